#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""schema-output.py SCHEMA COMMAND...: what the command prints is valid by the schema (TAP).

An array of documents is taken one by one where the schema is that of one object."""
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)


def closed(schema):
    """As this version writes: readers must take members that they do not know, but here one that
    the schema does not describe is a mistake."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(value) for value in schema]
    return schema


schema = closed(json.loads(pathlib.Path(sys.argv[1]).read_text()))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
document = json.loads(subprocess.run(sys.argv[2:], check=True, stdout=subprocess.PIPE).stdout)
print("1..2")
print("ok 1 - is not empty" if document else "not ok 1 - is empty")
each = isinstance(document, list) and schema.get("type") == "object"
errors = [error for one in (document if each else [document])
          for error in validator(schema).iter_errors(one)]
for error in errors[:20]:
    print(f"# {error.json_path}: {error.message}")
print("not ok 2 - is valid" if errors else "ok 2 - is valid")
sys.exit(bool(errors) or not document)
