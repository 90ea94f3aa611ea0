# SPDX-License-Identifier: LGPL-2.1-or-later
# Read before each script that runs on the nested host.
export VIRT_VIOMMU_PROFILES=/lab/bin/profiles
functions=/sys/bus/pci/devices

# libraries of the machine that built it, for it alone
vv() { LD_LIBRARY_PATH=/lab/bin/lib /lab/bin/virt-viommu "$@"; }

driver() { basename "$(readlink "$functions/$1/driver" || echo none)"; }

# bind DRIVER ADDRESS...: a driver of "" is whichever takes it by itself
bind() {
    local driver=$1 address
    shift
    for address in "$@"; do
        echo "$driver" >"$functions/$address/driver_override"
        [ ! -e "$functions/$address/driver" ] || echo "$address" >"$functions/$address/driver/unbind"
        echo "$address" >/sys/bus/pci/drivers_probe
    done
}

# daemon [COMMAND...]: libvirtd, started by that command
daemon() {
    [ -e /run/libvirt/libvirt-sock ] && return
    mkdir -p /run/libvirt /var/cache/libvirt/qemu
    cat >>/etc/libvirt/qemu.conf <<'CONF'
security_driver = "none"
remember_owner = 0
namespaces = []
CONF
    [ ! -e /dev/kvm ] || chmod 666 /dev/kvm
    [ ! -e /lab/capabilities.tar ] || tar -x -C /var/cache/libvirt/qemu -f /lab/capabilities.tar
    busybox pidof virtlogd >/dev/null || virtlogd -d || return
    "$@" libvirtd -d
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -e /run/libvirt/libvirt-sock ] && return
        sleep 0.5
    done
    return 1
}

daemon_ends() {
    local daemon
    daemon=$(busybox pidof libvirtd) || return 0
    kill "$daemon"
    while [ -e "/proc/$daemon" ]; do sleep 0.1; done
    rm -f /run/libvirt/libvirt-sock
}

# What became of a domain: "stage define|start|runs", what was said, and the limits of what runs
attempt() {
    local lines said
    lines=$(dmesg | wc -l)
    if ! said=$(virsh -q define "/lab/domains/$1.xml" 2>&1); then
        echo stage define; sed 's/^/said /' <<<"$said"
    elif ! said=$(virsh -q start --paused "$1" 2>&1); then
        echo stage start; sed 's/^/said /' <<<"$said"
    else
        echo 'stage runs'
        figures "$1"
    fi
    sed -n 's/^.*\(qemu-system-[^ ]*: .*\)/log \1/p' "/var/log/libvirt/qemu/$1.log" 2>/dev/null | tail -8
    dmesg | tail -n "+$((lines + 1))" | cut -c16- | grep -v 'vfio-pci .*reset' |
        grep -iE 'rlimit|oom|vfio|iommu' | sed 's/^/kernel /'
    return 0
}

# Limit in bytes, locked and pinned in KiB
figures() {
    local pid
    pid=$(cat "/run/libvirt/qemu/$1.pid")
    echo "limit $(prlimit --pid "$pid" --memlock --noheadings --output SOFT)"
    sed -n 's/^Vm\(Lck\|Pin\|RSS\):\s*\([0-9]*\) kB/\1 \2/p' "/proc/$pid/status"
}

finish() {
    local name
    for name in "$@"; do
        virsh -q destroy "$name"
        virsh -q undefine --nvram "$name"
    done >/dev/null 2>&1
    return 0
}
