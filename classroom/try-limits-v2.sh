#!/bin/bash
# Runs the tests of the limits under version 2 of control groups, on a machine whose Linux has them in version 1: on another
# Linux, which runs as a program and sees this machine's files (User Mode Linux). On Debian or Ubuntu, as root. Takes 6 minutes
# and up to 9 GB of memory.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ] || ! command -v linux.uml > /dev/null; then
  echo "This needs root, and User Mode Linux: run \`sudo apt install user-mode-linux\`, then \`sudo $0\`." >&2
  exit 1
fi
# Its registers are larger than those that this Linux knows: the first program would end at once.
if grep -qw amx_tile /proc/cpuinfo; then
  echo "User Mode Linux 6.1 does not run on this processor, which has AMX: use another machine." >&2
  exit 1
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The first program of the other Linux. Its files belong to root, whoever writes them, except in the two folders of its own.
cat > "$folder/init" << END
#!/bin/bash
export PATH='$PATH' HOME='$HOME' CI=1 NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for own in /home /run; do mount -t tmpfs -o mode=755 tmpfs \$own; done
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
ln -sf /proc/self/fd /dev/fd
ip link set lo up
cd '$PWD'
node node_modules/jest/bin/jest.js --runInBand --verbose test/classroom/limits 2>&1
echo \$? > '$folder/status'
sync
echo o > /proc/sysrq-trigger
sleep 10
END
chmod +x "$folder/init"

linux.uml mem=9G quiet root=/dev/root rootfstype=hostfs rootflags=/ rw con0=fd:0,fd:1 con=null "init=$folder/init" < /dev/null
exit "$(cat "$folder/status")"
