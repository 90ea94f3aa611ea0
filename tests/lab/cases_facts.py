# SPDX-License-Identifier: LGPL-2.1-or-later
"""What "host --probe" says of the nested host, beside what the kernel says by other ways: its log,
/proc, lspci (which reads config space by itself), group folders, and an ioctl probe of its own."""
import json
import re

import lab_lspci

GATHER = '''
echo "== kernel"; uname -r; uname -m; getconf PAGESIZE; cat /proc/cmdline
echo "== memory"; grep MemTotal /proc/meminfo
echo "== log"; dmesg
echo "== lspci"; lspci -vvnD 2>/dev/null
echo "== reserved"; grep -H . /sys/kernel/iommu_groups/*/reserved_regions
echo "== types"; grep -H . /sys/kernel/iommu_groups/*/type
echo "== nodes"; ls -d /dev/iommu /dev/vfio/vfio /dev/vfio/devices/* 2>/dev/null
echo "== cdevs"; ls -d /sys/bus/pci/devices/*/vfio-dev/*/dev 2>/dev/null
echo "== links"
for link in /sys/class/net/*/device; do
    name=${link%/device}
    echo "$(basename "$(readlink -f "$link")") $(ip -o link show "${name##*/}" | cut -d' ' -f2,3)"
done
echo "== end"
'''


def gather(machine):
    """{section: text}"""
    text = machine.must(GATHER)
    parts = re.split(r'^== (\w+)\n', text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Comparison:
    """Every fact that two sides tell; a case fails with those that differ."""

    def __init__(self):
        self.count, self.wrong = 0, []

    def same(self, what, ours, theirs):
        self.count += 1
        if ours != theirs:
            self.wrong.append(f'{what}: virt-viommu {ours!r}, the kernel {theirs!r}')

    def finish(self):
        if self.wrong:
            raise AssertionError('\n'.join(self.wrong))
        return f'{self.count} facts agree'


def facts(machine, *options):
    return json.loads(machine.must(f'vv host {" ".join(options)} --json 2>/dev/null'))


def compare_system(compare, ours, said):
    release, arch, page, cmdline = said['kernel'].strip().split('\n')
    compare.same('kernel.release', ours['kernel']['release'], release)
    compare.same('kernel.cmdline', ours['kernel']['cmdline'], cmdline.strip())
    compare.same('arch', ours['arch'], arch)
    compare.same('page_size', ours['page_size'], int(page))
    compare.same('memory', ours['memory'], int(re.search(r'(\d+) kB', said['memory'])[1]) * 1024)
    nodes = said['nodes'].split()
    compare.same('vfio.iommufd', ours['vfio']['iommufd'], '/dev/iommu' in nodes)
    compare.same('vfio.container', ours['vfio']['container'], '/dev/vfio/vfio' in nodes)


def compare_groups(compare, ours, said):
    members = {}
    for address, number in re.findall(r'(\S+): Adding to iommu group (\d+)', said['log']):
        members[address] = int(number)  # the last word counts: VFs come and go
    present = lab_lspci.functions(said['lspci'])
    members = {address: number for address, number in members.items() if address in present}
    compare.same('members of groups', {address: group['id'] for group in ours['groups']
                                       for address in group['devices']}, members)
    types = dict(re.findall(r'iommu_groups/(\d+)/type:(\S+)', said['types']))
    reserved = {}
    for number, *region in re.findall(r'iommu_groups/(\d+)/reserved_regions:0x(\w+) 0x(\w+) (\S+)',
                                      said['reserved']):
        reserved.setdefault(int(number), []).append((int(region[0], 16), int(region[1], 16),
                                                     region[2]))
    compare.same('number of groups', len(ours['groups']), len(types))
    for group in ours['groups']:
        number = group['id']
        compare.same(f'group {number} type', group['type'], types.get(str(number)))
        compare.same(f'group {number} reserved',
                     sorted((int(region['start'], 16), int(region['end'], 16), region['type'])
                            for region in group['reserved']), sorted(reserved.get(number, [])))


def compare_function(compare, device, theirs):
    address = device['address']
    for name in ('vendor', 'device'):
        compare.same(f'{address} {name}', device[name], f'0x{theirs[name]}')
    compare.same(f'{address} class', device['class'][:6], f'0x{theirs["class"]}')
    for name in ('group', 'driver'):
        compare.same(f'{address} {name}', device[name], theirs[name])
    pcie = device['pcie']
    compare.same(f'{address} is PCIe', pcie is not None, theirs['pcie'] is not None)
    if pcie and theirs['pcie']:
        for name in ('type', 'flr', 'ats', 'pri', 'pasid_bits'):
            compare.same(f'{address} {name}', pcie[name], theirs['pcie'][name])
        compare.same(f'{address} acs', None if pcie['acs'] is None else set(pcie['acs']),
                     theirs['pcie']['acs'])
    if device.get('physfn') is None:  # lspci does not see a VF's regions, the kernel's table does
        compare.same(f'{address} BARs', sorted((bar['index'], bar['size'], bar['bits'],
                                                bar.get('io', False)) for bar in device['bars']),
                     theirs['bars'])
    if theirs['vfs'] is not None:
        compare.same(f'{address} VFs', device['sriov_numvfs'], theirs['vfs'])


def compare_functions(compare, ours, said):
    theirs = lab_lspci.functions(said['lspci'])
    ours = {device['address']: device for device in ours['devices']}
    compare.same('functions', sorted(ours), sorted(theirs))
    for address in sorted(set(ours) & set(theirs)):
        compare_function(compare, ours[address], theirs[address])
    cdevs = {path.split('/')[-4]: path.split('/')[-2] for path in said['cdevs'].split()}
    for address, device in ours.items():
        compare.same(f'{address} vfio_dev', device['vfio_dev'], cdevs.get(address))
    compare_links(compare, ours, said['links'])


def compare_links(compare, ours, said):
    """Network interfaces, as netlink has them"""
    links = {address: (name, 'UP' in flags.split(',')) for address, name, flags
             in re.findall(r'^(\S+) (\S+): <(\S*)>$', said, re.M)}
    for address, device in ours.items():
        compare.same(f'{address} interface', (device['net'], device.get('net_up')),
                     links.get(address, (None, None)))


def compare_vtd(compare, unit, log):
    cap, ecap = re.search(rf'{unit["name"]}: reg_base_addr \w+ ver \S+ cap (\w+) ecap (\w+)',
                          log).groups()
    compare.same(f'{unit["name"]} cap', int(unit['cap'], 16), int(cap, 16))
    compare.same(f'{unit["name"]} ecap', int(unit['ecap'], 16), int(ecap, 16))


def compare_probe(compare, ours, address, text):
    """One function that is bound to vfio-pci, asked by the probe of our own"""
    said = dict(line.split(' ', 1) for line in text.splitlines() if ' ' in line)
    words = [int(said[f'data{number}'], 16) for number in range(10) if f'data{number}' in said]
    device = next(device for device in ours['devices'] if device['address'] == address)
    unit = next(unit for unit in ours['iommus'] if unit['name'] == device['iommu'])
    compare.same(f'{address} max_pasid_log2', device.get('max_pasid_log2'),
                 int(said['max_pasid_log2']))
    kind = {1: 'intel-vtd', 2: 'arm-smmuv3', 4: 'amd-vi'}[int(said['type'])]
    compare.same(f'{unit["name"]} type', unit['type'], kind)
    if kind == 'intel-vtd':
        compare.same('cap by ioctl', int(unit['cap'], 16), words[2] | words[3] << 32)
        compare.same('ecap by ioctl', int(unit['ecap'], 16), words[4] | words[5] << 32)
    if kind == 'arm-smmuv3':
        compare.same('idr by ioctl', [int(word, 16) for word in unit['idr']], words[2:8])
        compare.same('iidr', int(unit['iidr'], 16), words[8])
        compare.same('aidr', int(unit['aidr'], 16), words[9])
        if said['hwpt_nest_parent'] == '0':
            compare.same('viommu_alloc', unit.get('viommu_alloc'), said['viommu'] == '0')
    compare.same('nest_parent', unit.get('nest_parent'), said['hwpt_nest_parent'] == '0')
    top = max(int(line.rsplit('-', 1)[1], 16) for line in text.splitlines()
              if line.startswith('iova 0x'))
    compare.same('aperture_bits', unit.get('aperture_bits'), top.bit_length())


def everything(lab, machine, *addresses):
    """All facts, with those functions bound to vfio-pci, and asked where there is iommufd"""
    if addresses:
        machine.must(f'bind vfio-pci {" ".join(addresses)}')
    options = ('--probe',) if lab.kernel.iommufd else ()
    ours, said, compare = facts(machine, *options), gather(machine), Comparison()
    compare_system(compare, ours, said)
    compare_groups(compare, ours, said)
    compare_functions(compare, ours, said)
    for unit in ours['iommus']:
        if unit.get('type') == 'intel-vtd':
            compare_vtd(compare, unit, said['log'])
    for address in addresses if lab.kernel.iommufd else ():
        path = machine.must(f'echo /dev/vfio/devices/$(ls $functions/{address}/vfio-dev)').strip()
        compare_probe(compare, ours, address, machine.must(f'/lab/probe {path}'))
    return compare.finish()


def cases(lab):
    """(name, function) pairs"""
    for profile in lab.profiles:
        for name, addresses, before in steps(lab):
            def compare(profile=profile, addresses=addresses, before=before):
                machine = lab.machine(profile)
                if before:
                    machine.must(before)
                return everything(lab, machine, *addresses)
            yield f'facts {profile}: {name}', compare


def steps(lab):
    """(name, functions to bind and ask, script before)"""
    yield 'as booted', (), ''
    yield 'a NIC on vfio-pci', (lab.nic,), ''
    yield 'NIC, NVMe and both functions of a group', (lab.nic, lab.disk, *lab.shared), ''
    if lab.virtual_functions:
        yield 'two virtual functions', (lab.nic, *lab.virtual_functions), \
            f'echo 2 >$functions/{lab.parent}/sriov_numvfs'
        yield 'all given back', (), f'echo 0 >$functions/{lab.parent}/sriov_numvfs\n' \
            f'bind "" {lab.nic} {lab.disk} {" ".join(lab.shared)}'
