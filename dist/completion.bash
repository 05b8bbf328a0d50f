# bash completion for vduse-ctl(8). Device names are asked of the running vdused.

_vduse_ctl_devices() {
	"$1" list 2>/dev/null | while read -r name _; do
		[ "$name" = NAME ] || printf '%s\n' "$name"
	done
}

# The command on the line so far, if any: the first word that is neither an option nor its value.
_vduse_ctl_command() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		create | list | show | delete | check | version)
			printf '%s' "${COMP_WORDS[i]}"
			return
			;;
		--socket | --file | --serial | --queues | --queue-size | --block-size) ((i++)) ;;
		esac
	done
}

_vduse_ctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command words=
	COMPREPLY=()

	case $prev in
	--file | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--block-size) words='512 4096' ;;
	--queues) words='1 2 4 8 16' ;;
	--queue-size) words='16 32 64 128 256 512 1024' ;;
	--bus) words='virtio vhost' ;;
	--serial) return ;;
	esac

	if [ -z "$words" ]; then
		command=$(_vduse_ctl_command)
		case $command in
		'')
			words='create list show delete check version'
			[[ $cur != -* ]] || words='--socket --json --help --version'
			;;
		create) words='--file --read-only --direct --queues --queue-size --serial --block-size --bus --probe' ;;
		delete) words='--force --all' ;;
		esac
		case $command in
		show | delete) [[ $cur == -* ]] || words=$(_vduse_ctl_devices "${COMP_WORDS[0]}") ;;
		esac
		[[ -z $command || $cur != -* ]] || words+=' --socket --json --help'
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _vduse_ctl vduse-ctl
