# bash completion for vduse-ctl(8). Device names are asked of the running vdused.

# Sets what the line up to the cursor says so far, in _vduse_ctl's variables: command, the number of
# operands behind it, and --socket's value.
_vduse_ctl_read_line() {
	local i word
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--socket | --file | --serial | --queues | --queue-size | --block-size | --bus | \
			--on-error | --config-dir | --units)
			((i++))
			[ "${COMP_WORDS[i]}" != = ] || ((i++)) # --file=PATH comes as three words
			[ "$word" != --socket ] || socket=${COMP_WORDS[i]}
			[ "$word" != --config-dir ] || config_dir=${COMP_WORDS[i]}
			;;
		-*) ;;
		*)
			[ -z "$command" ] || ((operands++))
			command=${command:-$word}
			;;
		esac
	done
}

_vduse_ctl_devices() {
	"$1" ${socket:+--socket "$socket"} list 2>/dev/null | while read -r name _; do
		[ "$name" = NAME ] || printf '%s\n' "$name"
	done
}

_vduse_ctl_files() {
	local file
	for file in "${config_dir:-/etc/vdused.d}"/*.conf; do
		file=${file##*/}
		# others are no devices, and compgen would expand what they are called
		file=${file%.conf}
		[[ ! $file =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || printf '%s\n' "$file"
	done
}

# What may follow a command: options, or the name of a device.
_vduse_ctl_words() {
	case $command in
	'')
		words='create list show delete resize resume recover upgrade apply check version'
		[[ $cur != -* ]] || words='--version'
		;;
	create)
		words='--file --read-only --direct --queues --queue-size --serial --block-size'
		words+=' --bus --on-error --probe --if-absent'
		;;
	show) words='--config' ;;
	delete) words='--force' ;;
	apply) words='--dry-run --config-dir --units' ;;
	esac
	case $command in
	delete | upgrade) [ "$operands" -gt 0 ] || words+=' --all' ;;
	esac
	[[ $command != apply || $cur == -* ]] || words=$(_vduse_ctl_files)
	case $command in
	show | delete | resize | resume | recover | upgrade)
		[[ $cur == -* || $operands -gt 0 ]] ||
			words=$(_vduse_ctl_devices "${COMP_WORDS[0]}")
		;;
	esac
	[[ $cur != -* ]] || words+=' --socket --json --help'
}

_vduse_ctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' socket='' config_dir='' words='' operands=0
	COMPREPLY=()

	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $prev in
	--file | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--config-dir | --units)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--block-size) words='512 4096' ;;
	--queues) words='1 2 4 8 16' ;;
	--queue-size) words='16 32 64 128 256 512 1024' ;;
	--bus) words='virtio vhost' ;;
	--on-error) words='report stop' ;;
	--serial) return ;;
	*)
		_vduse_ctl_read_line
		_vduse_ctl_words
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _vduse_ctl vduse-ctl
