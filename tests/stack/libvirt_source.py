# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test data of libvirt from Debian's source package, by way of apt and the mirror that this machine
is configured for. Only the parts that tests read are unpacked."""
import os
import re
import shutil
import subprocess
import tarfile

WANTED = re.compile(r'^[^/]+/(tests/(qemuxmlconfdata|qemuxml2argvdata|qemumemlockdata)/[^/]+'
                    r'|tests/qemumemlocktest\.c'
                    r'|(src/conf|docs)/schemas/[^/]+\.rng)$')


class Unavailable(Exception):
    """Why the sources cannot be had here."""


def mirror_and_suite():
    """First Debian mirror in apt's configuration, and the suite that is taken from it."""
    try:
        listing = subprocess.run(
            ['apt-get', 'indextargets', '--no-release-info', '--format',
             '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'],
            capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(f'apt-get: {error}') from error
    for line in listing.splitlines():
        match = re.match(r'(\S+/debian/?) (\S+) main$', line)
        if match:
            return match[1], match[2]
    raise Unavailable('apt knows no Debian mirror')


def apt(directory, tool, *arguments):
    """Runs an apt program on the lists in @directory alone; its standard output."""
    options = {
        'Dir::Etc::sourcelist': f'{directory}/sources.list',
        'Dir::Etc::sourceparts': '/dev/null',
        'Dir::State::lists': f'{directory}/lists',
        'Dir::Cache': f'{directory}/cache',
        'Acquire::Check-Valid-Until': 'false',
        'Acquire::http::Timeout': '30',
        'Acquire::https::Timeout': '30',
        'Acquire::Retries': '1',
        'Acquire::Languages': 'none',
    }
    if os.getuid() == 0:
        options['APT::Sandbox::User'] = 'root'
    command = [tool]
    for key, value in options.items():
        command += ['-o', f'{key}={value}']
    run = subprocess.run(command + list(arguments), cwd=directory, capture_output=True, text=True,
                         env=dict(os.environ, LC_ALL='C'))
    problems = [line for line in run.stderr.splitlines() if line.startswith(('E:', 'W: Failed'))]
    if run.returncode != 0 or any(line.startswith('W: Failed') for line in problems):
        raise Unavailable(problems[0] if problems else f'{tool} {arguments[0]} failed')
    return run.stdout


def download(directory, listing, wanted):
    """Fetches the one file of "apt-get --print-uris" output whose name matches; its path."""
    for line in listing.splitlines():
        match = re.match(r"'([^']+)' (\S+) \d+ (\S+:[0-9a-f]+)$", line)
        if match and re.search(wanted, match[2]):
            path = os.path.join(directory, match[2])
            apt(directory, '/usr/lib/apt/apt-helper', 'download-file', match[1], path, match[3])
            return path
    raise Unavailable(f'no file {wanted} is offered')


def prepare(cache, suite, kind):
    """A directory with the package lists of one suite; @kind is deb or deb-src."""
    mirror, _ = mirror_and_suite()
    directory = os.path.join(cache, f'{suite}.{kind}')
    os.makedirs(f'{directory}/lists/partial', exist_ok=True)
    os.makedirs(f'{directory}/cache/archives/partial', exist_ok=True)
    with open(f'{directory}/sources.list', 'w', encoding='utf-8') as file:
        file.write(f'{kind} {mirror} {suite} main\n')
    apt(directory, 'apt-get', 'update')
    return directory


def unpack(archive_path, target):
    version = re.search(r'_([0-9.]+)\.orig', archive_path)[1]
    partial = f'{target}.partial'
    with tarfile.open(archive_path) as archive:
        for member in archive:
            # links in there stay inside the tree of tests; only their plain names are wanted
            if WANTED.match(member.name) and (member.isfile() or member.issym()):
                member.name = member.name.split('/', 1)[1]
                archive.extract(member, partial, set_attrs=False)
    with open(f'{partial}/version', 'w', encoding='utf-8') as file:
        file.write(version)
    os.rename(partial, target)


def clean(cache):
    """Package lists are large and soon old: none is kept."""
    for name in os.listdir(cache) if os.path.isdir(cache) else []:
        if name.endswith(('.deb', '.deb-src')):
            shutil.rmtree(os.path.join(cache, name))


def cached_version(target):
    with open(f'{target}/version', encoding='utf-8') as file:
        return target, file.read().strip()


def fetch(cache, suite):
    """(directory, version) of the test data in that suite's libvirt source."""
    target = os.path.join(cache, suite)
    if not os.path.exists(f'{target}/tests/qemumemlocktest.c'):
        shutil.rmtree(target, ignore_errors=True)  # what an older version of this file left
        directory = prepare(cache, suite, 'deb-src')
        listing = apt(directory, 'apt-get', 'source', '--print-uris', '--download-only', 'libvirt')
        unpack(download(directory, listing, r'\.orig\.tar\.[a-z0-9]+$'), target)
    return cached_version(target)


def fetch_schemas(cache, suite):
    """(directory, version) of the RELAX NG schemas in that suite's binary package."""
    target = os.path.join(cache, f'{suite}-schemas')
    if not os.path.exists(target):
        directory = prepare(cache, suite, 'deb')
        found = None
        # libvirt 9 has them in the library's package, libvirt 12 in libvirt-common
        for package in ('libvirt-common', 'libvirt0'):
            partial = f'{target}.{package}'
            try:
                listing = apt(directory, 'apt-get', 'download', '--print-uris', package)
                path = download(directory, listing, r'\.deb$')
            except Unavailable as error:
                found = found or error
                continue
            subprocess.run(['dpkg-deb', '-x', path, partial], check=True)
            schemas = f'{partial}/usr/share/libvirt/schemas'
            if os.path.exists(f'{schemas}/domain.rng'):
                with open(f'{schemas}/version', 'w', encoding='utf-8') as file:
                    file.write(re.search(r'_([0-9.]+)', os.path.basename(path))[1])
                os.rename(schemas, target)
                break
            shutil.rmtree(partial)
        if not os.path.exists(target):
            raise found or Unavailable('no package holds domain.rng')
    return cached_version(target)
