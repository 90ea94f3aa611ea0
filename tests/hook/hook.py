# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the libvirt hook as libvirt does, and holds the domains that tests share."""
import glob
import json
import os
import subprocess
import tempfile
import time

UUID = '00000000-0000-0000-0000-%012x'

DOMAIN = """<domain type='kvm' id='1'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><ioapic driver='qemu'/></features>
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'>
      <address type='pci' domain='0' bus='0' slot='2' function='0'/>
    </controller>
{devices}  </devices>
</domain>
"""
DEVICE = """    <hostdev mode='subsystem' type='pci' managed='{managed}'>
      <source><address domain='0' bus='{bus}' slot='{slot}' function='0'/></source>
      {alias}
      <address type='pci' domain='0' bus='1' slot='0' function='0'/>
    </hostdev>
"""
RESOLVED = """    <interface type='hostdev' managed='yes'>
      <source><address type='pci' domain='0' bus='{bus}' slot='{slot}' function='0'/></source>
    </interface>
"""
NETWORK = "    <interface type='network'><source network='sriov'/></interface>\n"
VIOMMU = "    <iommu model='intel'><driver intremap='on' caching_mode='on' aw_bits='39'/></iommu>\n"
NO_CACHING = "    <iommu model='intel'><driver intremap='on' aw_bits='39'/></iommu>\n"


def device(bus, slot=0, managed='yes', alias=''):
    return DEVICE.format(bus=hex(bus), slot=hex(slot), managed=managed,
                         alias=f"<alias name='{alias}'/>" if alias else '')


def resolved(bus, slot=0):
    return RESOLVED.format(bus=hex(bus), slot=hex(slot))


def domain(number=1, devices='', name=None):
    return DOMAIN.format(name=name or f'vm{number}', uuid=UUID % number, devices=devices)


class Place:
    """A machine of its own: facts, policy, ledger and journal of one test."""

    def __init__(self, program, source, facts=None, policy=None):
        self.program = program
        self.scratch = tempfile.TemporaryDirectory(prefix='viommu-hook-')
        self.dir = self.scratch.name
        self.log_file = f'{self.dir}/log'
        self.env = {
            'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/', 'LC_ALL': 'C',
            'VIRT_VIOMMU_CONFDIR': self.dir, 'VIRT_VIOMMU_RUNDIR': f'{self.dir}/run',
            'VIRT_VIOMMU_LOG': self.log_file,
            'VIRT_VIOMMU_PROFILES': f'{source}/policy/profiles',
            'VIRT_VIOMMU_HOST': facts or f'{source}/tests/host/xeon.json',
            'ASAN_OPTIONS': 'exitcode=99', 'UBSAN_OPTIONS': 'halt_on_error=1:exitcode=99',
        }
        if policy is not None:
            self.policy(policy)

    def policy(self, members):
        with open(f'{self.dir}/policy.json', 'w', encoding='utf-8') as file:
            file.write(members if isinstance(members, str)
                       else json.dumps({'policy': 1, 'name': 'site', **members}))

    def command(self, operation, name, extra='-'):
        sub = 'end' if operation in ('stopped', 'release') else 'begin'
        return [self.program, name, operation, sub, extra]

    def call(self, operation, xml, name='vm1', **options):
        began = time.monotonic()
        done = subprocess.run(self.command(operation, name), input=xml.encode(), cwd='/',
                              env=self.env, capture_output=True, timeout=90, check=False, **options)
        done.seconds = time.monotonic() - began
        done.text = done.stderr.decode()
        return done

    def log(self):
        """What went to the journal since the last look"""
        try:
            with open(self.log_file, encoding='utf-8') as file:
                text = file.read()
            os.unlink(self.log_file)
        except FileNotFoundError:
            return []
        return text.splitlines()

    def entries(self):
        """The ledger as it is on disk: UUID -> entry"""
        found = {}
        for path in glob.glob(f'{self.dir}/run/ledger/*.json'):
            with open(path, encoding='utf-8') as file:
                entry = json.load(file)
            found[entry['uuid']] = entry
        return found

    def held(self):
        return {entry['domain']: entry['devices'] for entry in self.entries().values()}
