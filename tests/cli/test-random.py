#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random domains on recorded hosts under random policies and versions: what apply writes is well-formed,
keeps what was there, needs nothing more, and has no error left. Each domain follows from its number.
usage: test-random.py PROGRAM SOURCE-ROOT [FIRST [COUNT]]; failing inputs go to $VIOMMU_TEST_KEEP"""
import collections
import glob
import json
import os
import random
import sys
import xml.etree.ElementTree as ET

import program
import tap
from program import SOURCE, file, virt_viommu

FIRST = int(sys.argv[3]) if len(sys.argv) > 3 else 0
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 150
KEEP = os.environ.get('VIOMMU_TEST_KEEP')
VERSIONS = [('12.8.0', '11.1.2')] * 9 + [('9.0.0', '7.2.19'), ('10.10.0', '9.2.0'), ('11.9.0', '10.1.0'),
                                         ('12.1.0', '11.0.0'), ('7.0.0', '6.2.0')]
USAGES = ['dma', 'guest-iommu', 'pasid', 'sva']
# what no edit of the domain can mend: the plan asks the admin for it, and the check goes on telling
ADMIN = {'group-denylist', 'group-viable', 'group-vf-token', 'memlock-daemon-cannot-raise', 'memlock-per-user',
         'stack-iommufd-needs'}
MARK = '<!-- kept: a > b, "c" -->'


def hosts():
    paths = sorted(glob.glob(f'{SOURCE}/tests/host/*.json') + glob.glob(f'{SOURCE}/examples/hosts/*.json'))
    for path in paths:
        with open(path, encoding='utf-8') as facts:
            yield path, json.load(facts)


HOSTS = list(hosts())


def attributes(pick, choices):
    """some of the attributes, in any order, in either quote"""
    chosen = pick.sample(sorted(choices), pick.randint(0, min(4, len(choices))))
    text = ''
    for name in chosen:
        quote = pick.choice('\'\'"')
        text += f'{pick.choice([" ", " ", "  "])}{name}={quote}{pick.choice(choices[name])}{quote}'
    return text


def pci(pick, buses):
    return f"<address type='pci' domain='0x0000' bus='0x{pick.choice(buses):02x}' " \
           f"slot='0x{pick.choice([0, 0, 0, 1, 2, 5]):02x}' function='0x{pick.choice([0, 0, 0, 1])}'/>"


def controllers(pick, arm):
    """[xml], [bus]: none at all, ports without addresses, or a tree with bridges and expanders"""
    if pick.random() < 0.3:
        return [], []
    out, buses, expanders = ["<controller type='pci' index='0' model='pcie-root'/>"], [], []
    for index in range(1, pick.randint(2, 9)):
        model = pick.choices(['pcie-root-port', 'pcie-expander-bus', 'pcie-to-pci-bridge',
                              'pcie-switch-upstream-port'], [12, 2, 1, 0.3])[0]
        inner = ''
        if model == 'pcie-root-port' and pick.random() < 0.3:
            inner += pick.choice(["<model name='ioh3420'/>", "<model name='pcie-root-port'/>",
                                  "<target hotplug='off'/>", f"<target chassis='{index}' port='0x{index + 7:x}'/>"])
        if model == 'pcie-expander-bus':
            inner = f"<target busNr='{pick.choice([254 - 20 * len(expanders), 100 + 30 * len(expanders)])}'/>"
            expanders.append(index)
        elif model == 'pcie-root-port' and expanders and pick.random() < 0.6:
            inner += f"<address type='pci' domain='0x0000' bus='0x{expanders[-1]:02x}' slot='0x{index:02x}' function='0x0'/>"
        elif pick.random() < 0.3 and model == 'pcie-root-port':
            inner += f"<address type='pci' domain='0x0000' bus='0x00' slot='0x{index + (1 if arm else 3):02x}' function='0x0'/>"
        buses.append(index)
        head = f"<controller type='pci' index='{index}' model='{model}'"
        out.append(f'{head}>{inner}</controller>' if inner else f'{head}/>')
    return out, buses


def emulated(pick, buses):
    choices = ["<interface type='user'><model type='virtio'/></interface>",
               "<interface type='user'><model type='virtio'/><driver iommu='on' ats='on'/></interface>",
               "<interface type='user'><model type='e1000'/></interface>",
               "<controller type='usb' index='0' model='qemu-xhci'/>",
               "<controller type='scsi' index='0' model='virtio-scsi'/>",
               "<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/></disk>",
               "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
               "<memballoon model='none'/>", "<video><model type='virtio'/></video>"]
    out = []
    for text in pick.sample(choices, pick.randint(0, 4)):
        if buses and text.endswith('</interface>') and pick.random() < 0.3:
            text = text.replace('</interface>', pci(pick, buses) + '</interface>')
        out.append(text)
    return out


def hostdev(pick, number, address, buses):
    domain, bus, rest = address.split(':')
    slot, function = rest.split('.')
    source = f"<source><address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/></source>"
    inner = pick.choice(['', '', '', "<driver iommufd='yes'/>", "<driver name='vfio'/>"]) + source
    if pick.random() < 0.85:
        inner += f"<alias name='ua-dev{number}'/>"
    if buses and pick.random() < 0.4:
        inner += pci(pick, buses)
    if pick.random() < 0.1:
        return f"<interface type='hostdev' managed='yes'>{inner.replace('<address domain', '<address type=' + chr(39) + 'pci' + chr(39) + ' domain')}</interface>"
    return f"<hostdev mode='subsystem' type='pci' managed='{pick.choice(['yes', 'no'])}'>{inner}</hostdev>"


def viommus(pick, arm, buses):
    onoff = ['on', 'off']
    if pick.random() < 0.5:
        return []
    if arm and pick.random() < 0.8:
        choices = {'accel': onoff, 'ats': onoff, 'ril': onoff, 'pasid': onoff, 'oas': ['44', '48', '40'],
                   'ssidSize': ['0', '8', '16', '20'], 'cmdqv': onoff, 'pciBus': [str(b) for b in buses] or ['1']}
        return [f"<iommu model='smmuv3'><driver{attributes(pick, choices)}/></iommu>"
                for _ in range(pick.choice([1, 1, 2]))]
    model = pick.choice(['intel', 'intel', 'intel', 'virtio', 'amd'])
    choices = {'intremap': onoff, 'caching_mode': onoff, 'eim': onoff, 'iotlb': onoff,
               'aw_bits': ['39', '48', '57'], 'dma_translation': onoff}
    return [pick.choice([f"<iommu model='{model}'/>", f"<iommu model='{model}'>\n {MARK}\n</iommu>",
                         f"<iommu model='{model}'>{MARK}<driver{attributes(pick, choices)}/></iommu>"])]


def domain(pick, facts):
    arm = facts.get('arch') == 'aarch64'
    candidates = [device['address'] for device in facts.get('devices') or []
                  if not device.get('class', '').startswith('0x06')]
    chosen = pick.sample(candidates, min(len(candidates), pick.choice([0, 1, 1, 2, 2, 3])))
    tree, buses = controllers(pick, arm)
    parts = tree + emulated(pick, buses) + viommus(pick, arm, buses)
    parts += [hostdev(pick, n, address, buses) for n, address in enumerate(chosen)]
    if pick.random() < 0.5:
        pick.shuffle(parts)
    wishes = ''.join(f"<v:device alias='ua-dev{n}' usage='{pick.choice(['dma', 'dma', 'guest-iommu', 'guest-iommu', 'pasid', 'sva'])}'/>"
                     for n in range(len(chosen)) if pick.random() < 0.6)
    if pick.random() < 0.4:
        wishes += f"<v:hotplug ports='{pick.randint(0, 3)}'/>"
    metadata = f"<metadata><v:intent xmlns:v='urn:virt-viommu:domain:1'>{wishes}</v:intent></metadata>"
    features = pick.choice(['', '<features><acpi/></features>', "<features><acpi/><ioapic driver='kvm'/></features>",
                            "<features>\n<ioapic driver='qemu'/>\n</features>", '<features/>'])
    limit = pick.choice(['', '', '', "<memtune><hard_limit unit='GiB'>4</hard_limit></memtune>",
                         "<memtune><hard_limit unit='GiB'>900</hard_limit></memtune>"])
    indent = pick.choice(['\n    ', '\n\t', '', '\r\n  '])
    return f"""<domain type='kvm'>
  <name>r</name>{MARK}{metadata if wishes else ''}
  <memory unit='GiB'>{pick.choice([1, 4, 96, 600])}</memory>{limit}
  <vcpu>{pick.choice([2, 2, 64, 300])}</vcpu>
  <os><type arch='{facts.get('arch', 'x86_64')}' machine='{'virt' if arm else pick.choice(['q35'] * 9 + ['pc'])}'>hvm</type></os>
  {features}
  <devices>{indent}{indent.join(parts)}{indent}{MARK}</devices>
</domain>
"""


def site(pick):
    modes = pick.sample(['nested', 'shadow', 'none'], pick.randint(1, 3))
    return {'policy': 1, 'name': 'random', 'modes': modes, 'usage': pick.choice(USAGES[:2]),
            'hotplug': {'spare_ports': pick.choice([0, 0, 1, 4])}}


def shape(text):
    """how many elements of each name, and the aliases and sources, of a domain"""
    root = ET.fromstring(text)
    names = collections.Counter(element.tag for element in root.iter())
    return names, [element.get('name') for element in root.iter('alias')], \
        [sorted(element.attrib.items()) for element in root.findall('devices/hostdev/source/address')]


def judge(text, options):
    """None when no plan exists; else what is wrong with what apply wrote"""
    before = file('random.xml', text.encode())
    checked = virt_viommu('check', '--json', before, *options)
    tap.true(checked.code in (0, 1), checked)
    json.loads(checked.out)
    done = virt_viommu('apply', before, *options)
    plan = virt_viommu('plan', '--json', before, *options)
    json.loads(plan.out)
    tap.equal(plan.code, done.code, 'exit code of plan and apply')
    if done.code == 1:
        tap.equal(done.out, b'', 'output without a plan')
        return False
    tap.equal(done.code, 0, f'exit code of apply: {done}')
    after = file('after.xml', done.out)
    tap.equal(done.out.count(MARK.encode()), text.count(MARK), 'comments')
    (names, aliases, sources), (now, aliases_now, sources_now) = shape(text), shape(done.out)
    tap.true(set(aliases) <= set(aliases_now), f'aliases: {aliases} became {aliases_now}')
    tap.equal(sources_now, sources, 'host addresses')
    tap.true(all(now[name] >= count for name, count in names.items()), f'lost: {names - now}')
    again = virt_viommu('apply', after, *options)
    tap.equal((again.code, again.out), (0, done.out), f'applied twice ({again.err[:300]})')
    check = json.loads(virt_viommu('check', '--json', after, *options).out)[0]
    left = [finding for finding in check['findings']
            if finding['outcome'] == 'fail' and finding['severity'] == 'error']
    tap.true(all(finding['rule'] in ADMIN for finding in left), f'after apply: {left}')
    tap.true(not left or json.loads(plan.out)['actions'], f'nobody is told of {left}')
    return True


def case(number):
    pick = random.Random(number)
    path, facts = pick.choice(HOSTS)
    text, (libvirt, qemu) = domain(pick, facts), pick.choice(VERSIONS)
    options = ['--host', path, '--libvirt-version', libvirt, '--qemu-version', qemu,
               '--profile', pick.choice(['system', 'system', 'session', 'kubevirt'])]
    if pick.random() < 0.5:
        options += ['--policy', file('random.json', json.dumps(site(pick)).encode())]
    try:
        return judge(text, options)
    except Exception:
        if KEEP:
            with open(f'{KEEP}/{number}.xml', 'w', encoding='utf-8', newline='') as out:
                out.write(text)
            with open(f'{KEEP}/{number}.options', 'w', encoding='utf-8') as out:
                out.write(' '.join(options) + '\n')
            if 'random.json' in ' '.join(options):
                with open(f'{KEEP}/{number}.json', 'w', encoding='utf-8') as out:
                    out.write(json.dumps(site_of(options)))
        print(f'# domain {number}: virt-viommu apply {" ".join(options)}')
        raise


def site_of(options):
    with open(options[options.index('--policy') + 1], encoding='utf-8') as policy:
        return json.load(policy)


def test_random_domains():
    planned = broken = 0
    for number in range(FIRST, FIRST + COUNT):
        try:
            planned += case(number)
        except Exception as wrong:  # pylint: disable=broad-except
            broken += 1
            print('# ' + str(wrong)[:1200].replace('\n', '\n#   '), flush=True)
    print(f'# {COUNT} domains, {planned} with a plan')
    tap.equal(broken, 0, 'broken domains')
    tap.true(planned * 10 > COUNT, f'only {planned} of {COUNT} domains had a plan')


sys.exit(tap.run(globals()))
