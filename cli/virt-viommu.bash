# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for virt-viommu: verbs and options come from the program's own help

# names of libvirt's domains, where a verb takes them
_virt_viommu_domains()
{
    local uri=${LIBVIRT_DEFAULT_URI:-qemu:///system}

    case ${COMP_WORDS[1]} in
    check | plan | apply | limits | hotplug) ;;
    *) return ;;
    esac
    # readline breaks words at colons
    if [[ $COMP_LINE =~ \ (-c|--connect)[\ =]+([^\ ]+) ]]; then
        uri=${BASH_REMATCH[2]}
    fi
    timeout 2 virsh -r -c "$uri" list --all --name 2>/dev/null
}

_virt_viommu()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]}

    local profiles='default strict kubevirt lab'

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$verb" = help ]; }; then
        mapfile -t COMPREPLY < <(compgen -W "--help --version $("$program" --help 2>/dev/null |
            sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')" -- "$current")
        return
    fi
    case $previous in
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json sarif line virt-xml' -- "$current") ;;
    --profile) mapfile -t COMPREPLY < <(compgen -W 'system session kubevirt vdsm' -- "$current") ;;
    --fail-on) mapfile -t COMPREPLY < <(compgen -W 'error warning info' -- "$current") ;;
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current") ;;
    --host) mapfile -t COMPREPLY < <(compgen -W none -- "$current"; compgen -f -- "$current") ;;
    --group) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/kernel/iommu_groups 2>/dev/null)" -- "$current") ;;
    --policy) mapfile -t COMPREPLY < <(compgen -W "$profiles" -- "$current"; compgen -f -- "$current") ;;
    --sysroot) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *)
        if [[ $current == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" "$verb" --help 2>/dev/null |
                sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p')" -- "$current")
        elif [ "$verb" = explain ]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" explain --all --json 2>/dev/null |
                sed -n 's/^ *"rule": "\(.*\)",\{0,1\}$/\1/p')" -- "$current")
        elif [ "$verb" = host ]; then
            # by the names that libvirt gives them: readline breaks words at colons
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/bus/pci/devices 2>/dev/null |
                sed 's/^/pci_/; s/[:.]/_/g')" -- "$current")
        elif [ "$verb" = policy ] && [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W 'check show' -- "$current")
        elif [ "$verb" = policy ] && [ "${COMP_WORDS[2]}" = show ]; then
            mapfile -t COMPREPLY < <(compgen -W "$profiles" -- "$current"; compgen -f -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$current"; compgen -W "$(_virt_viommu_domains)" -- "$current")
        fi
        ;;
    esac
}

complete -o filenames -F _virt_viommu virt-viommu
