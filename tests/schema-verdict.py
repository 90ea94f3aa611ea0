#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""schema-verdict.py SCHEMA VALID-DIR INVALID-DIR: each document gets the verdict of its folder (TAP)."""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)

schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
number = failed = 0
for folder, wanted in ((sys.argv[2], True), (sys.argv[3], False)):
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        errors = list(validator(schema).iter_errors(json.loads(path.read_text())))
        number += 1
        good = (not errors) == wanted
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {path.parent.name}/{path.name}")
        if not good:
            for error in errors:
                print(f"# {error.json_path}: {error.message}")
if number == 0:
    print("not ok 1 - no documents found")
    failed = number = 1
print(f"1..{number}")
sys.exit(failed != 0)
