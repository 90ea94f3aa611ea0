#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs into a scratch directory, and builds a program and the example of examples/ against what is
there, with the flags of the pkg-config file and nothing else of this tree (TAP).

usage: installed.py BUILD-DIRECTORY PROGRAM.c DOMAIN.xml EXAMPLES COMPILER...
"""
import glob
import os
import re
import subprocess
import sys
import tempfile


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def skip(reason):
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)


def compiled(compiler, source, binary, flags):
    return run(*compiler, '-Wall', '-Wextra', '-Werror', source, '-o', binary, *flags.stdout.split())


def example(examples, binary, compiler, flags, environment):
    """It finds the mistakes of the example domain, and says how to mend them."""
    built = compiled(compiler, f'{examples}/library.c', binary, flags)
    if built.returncode:
        return [('example-compiles', built)]
    done = run(binary, f'{examples}/domains/gpu-q35.xml', f'{examples}/hosts/xeon.json', env=environment)
    if '[vtd-caching-mode]' not in done.stdout or "caching_mode='on'/>\n" not in done.stdout:
        done.returncode = done.returncode or 1
    return [('example-compiles', built), ('example-tells', done)]


def main():
    build, program, domain, examples, compiler = *sys.argv[1:5], sys.argv[5:]
    if run('sh', '-c', 'command -v pkg-config').returncode != 0:
        skip('needs pkg-config')
    with tempfile.TemporaryDirectory() as scratch:
        results = []
        install = run('meson', 'install', '-C', build, '--no-rebuild', '--quiet',
                      env=dict(os.environ, DESTDIR=scratch))
        results.append(('install', install))
        found = glob.glob(f'{scratch}/**/libviommu.pc', recursive=True)
        results.append(('pkg-config-file', None if found else install))
        if found:
            # the file as a package would place it, but for the scratch directory
            with open(found[0], encoding='utf-8') as file:
                text = re.sub(r'^prefix=', f'prefix={scratch}', file.read(), flags=re.M)
            with open(f'{scratch}/libviommu.pc', 'w', encoding='utf-8') as file:
                file.write(text)
            environment = dict(os.environ, PKG_CONFIG_PATH=scratch)
            flags = run('pkg-config', '--cflags', '--libs', 'libviommu', env=environment)
            results.append(('flags', flags))
            binary = f'{scratch}/program'
            results.append(('compile', compiled(compiler, program, binary, flags)))
            library = glob.glob(f'{scratch}/**/libviommu.so.0', recursive=True)
            environment['LD_LIBRARY_PATH'] = os.path.dirname(library[0]) if library else ''
            profiles = glob.glob(f'{scratch}/**/profiles', recursive=True)
            environment['VIRT_VIOMMU_PROFILES'] = profiles[0] if profiles else ''
            results.append(('run', run(binary, domain, env=environment)
                            if os.path.exists(binary) else results[-1][1]))
            environment['VIRT_VIOMMU_CONFDIR'] = scratch  # not this machine's policy
            results += example(examples, f'{scratch}/library', compiler, flags, environment)
        print(f'1..{len(results)}')
        for number, (name, outcome) in enumerate(results, 1):
            good = outcome is None or outcome.returncode == 0
            print(f"{'ok' if good else 'not ok'} {number} {name}")
            if not good:
                for line in (outcome.stdout + outcome.stderr).splitlines()[-20:]:
                    print(f'# {line}')


if __name__ == '__main__':
    main()
