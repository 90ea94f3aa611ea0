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

daemon() {
    [ -e /run/libvirt/libvirt-sock ] && return
    mkdir -p /run/libvirt /var/cache/libvirt/qemu
    cat >>/etc/libvirt/qemu.conf <<'CONF'
security_driver = "none"
remember_owner = 0
CONF
    [ ! -e /lab/capabilities.tar ] || tar -x -C /var/cache/libvirt/qemu -f /lab/capabilities.tar
    virtlogd -d && libvirtd -d
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -e /run/libvirt/libvirt-sock ] && return
        sleep 0.5
    done
    return 1
}
