# SPDX-License-Identifier: LGPL-2.1-or-later
"""What lspci says of each function, in the words of host facts."""
import re

TYPES = {'Endpoint': 'endpoint', 'Root Port': 'root-port', 'PCI-Express to PCI/PCI-X Bridge':
         'pcie-to-pci-bridge', 'Upstream Port': 'upstream-port', 'Downstream Port':
         'downstream-port', 'Root Complex Integrated Endpoint': 'rc-endpoint',
         'Legacy Endpoint': 'legacy-endpoint', 'PCI/PCI-X to PCI-Express Bridge':
         'pci-to-pcie-bridge', 'Root Complex Event Collector': 'rc-event-collector'}
ACS = {'SrcValid': 'sv', 'TransBlk': 'tb', 'ReqRedir': 'rr', 'CmpltRedir': 'cr',
       'UpstreamFwd': 'uf', 'EgressCtrl': 'ec', 'DirectTrans': 'dt'}
UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}


def size(text):
    return int(text.rstrip('KMG')) * UNITS[text.lstrip('0123456789')]


def bars(text):
    found = []
    for match in re.finditer(r'^\t(Region (\d)|Expansion ROM):? (Memory at|I/O ports at|at) \S+ '
                             r'(\[virtual\] |\[disabled\] )*(\((\d\d)-bit, (non-)?prefetchable\) )?'
                             r'(\[virtual\] |\[disabled\] )*\[size=(\d+[KMG]?)\]', text, re.M):
        index = int(match[2]) if match[2] else 6
        found.append((index, size(match[9]), int(match[6] or 32), match[3].startswith('I/O')))
    return sorted(found)


def capability(text, name):
    match = re.search(rf'^\tCapabilities: \[[^]]*\] {name}(.*?)(?=^\t\S|\Z)', text, re.M | re.S)
    return match and match[0]


def acs(text):
    """What is switched on, as a set; None: no such capability"""
    text = capability(text, 'Access Control Services')
    if not text:
        return None
    line = re.search(r'ACSCtl:(.*)', text)[1]
    return {ACS[name] for name in re.findall(r'(\w+)\+', line)}


def number(pattern, text):
    match = re.search(pattern, text)
    return int(match[1]) if match else None


def express(text):
    """The facts below "pcie"; None: a conventional function"""
    match = re.search(r'Express \(v\d\) ([^,(\n]+?)( \(Slot[+-]\))?,', text)
    if not match:
        return None
    width = capability(text, r'Process Address Space ID \(PASID\)')
    return {'type': TYPES.get(match[1].strip(), match[1]), 'flr': 'FLReset+' in text,
            'ats': bool(capability(text, r'Address Translation Service \(ATS\)')),
            'pri': bool(capability(text, r'Page Request Interface \(PRI\)')),
            'pasid_bits': number(r'Max PASID Width: (\w+)', width) if width else None,
            'acs': acs(text)}


def functions(listing):
    """{address: facts} of "lspci -vvnD" """
    found = {}
    for text in re.split(r'\n(?=\S)', listing.strip()):
        match = re.match(r'(\S+) (\w{4}): (\w{4}):(\w{4})', text)
        prog_if = number(r'^\S+ .*\(prog-if (\w+)', text.splitlines()[0]) or 0
        sriov = capability(text, r'Single Root I/O Virtualization')
        found[match[1]] = {
            'class': match[2], 'interface': prog_if, 'vendor': match[3], 'device': match[4],
            'group': number(r'IOMMU group: (\d+)', text),
            'driver': (re.search(r'Kernel driver in use: (\S+)', text) or [None, None])[1],
            'bars': bars(text), 'pcie': express(text),
            'vfs': number(r'Number of VFs: (\d+)', sriov) if sriov else None,
        }
    return found
