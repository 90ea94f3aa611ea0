# SPDX-License-Identifier: LGPL-2.1-or-later
"""Just enough of a test frame: functions named test_… of a module, run one by one, as TAP."""
import traceback


class Skip(Exception):
    """Why a test cannot run here."""


def equal(got, wanted, what='value'):
    if got != wanted:
        raise AssertionError(f'{what}: got {got!r}, wanted {wanted!r}')


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def run(module):
    tests = [(name, function) for name, function in module.items()
             if name.startswith('test_') and callable(function)]
    print(f'1..{len(tests)}', flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        name = name.removeprefix('test_').replace('_', '-')
        try:
            function()
            print(f'ok {number} {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} {name} # SKIP {reason}', flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f'not ok {number} {name}', flush=True)
            for line in traceback.format_exc().splitlines():
                print(f'# {line}', flush=True)
    return 1 if failed else 0
