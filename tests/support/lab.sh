# The laboratory's machines, each a set of namespaces: lab.sh FOLDER MACHINE...
# To be started in namespaces of its own (network, mounts, processes, host name), which are then the
# client's machine, 10.77.0.1: everything ends with it. `tests/support/lab.py` has the whole story.
#
# A machine is named after the last part of its address (11: node11, 10.77.0.11); "-11" is one
# without an address until it is given one. When all answer, the client's /tmp/pids has "11 PID" a
# line.
set -eu
FOLDER=$1; shift

# What is a machine's own: /tmp, /dev/shm, /var/lib, its home, its host name, its user table (root is
# also called ubuntu, as users of a cloud's machines are). All share FOLDER/shared as /srv/shared.
furnish() {
  local place=$1
  hostname "$2"
  mount -t tmpfs none /var/lib
  mount -t tmpfs none /run
  mkdir /run/sshd
  mount -t tmpfs none /srv
  mkdir -p /srv/shared /srv/home
  mount --bind "$FOLDER/shared" /srv/shared
  mount --bind "$place/home" /srv/home
  sed 's#^root:x:0:0:root:/root#root:x:0:0:root:/srv/home#' /etc/passwd > "$place/passwd"
  echo 'ubuntu:x:0:0:root by another name:/srv/home:/bin/bash' >> "$place/passwd"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$2" > "$place/hosts"
  mount --bind "$place/passwd" /etc/passwd
  mount --bind "$place/hosts" /etc/hosts
  mount -t tmpfs none /dev/shm
  ip link set lo up
  if [ -e "$place/hostkey" ]; then cp "$place/sshd_config" "$place/hostkey" /run/sshd/; fi
  mount --bind "$place/tmp" /tmp
}
export -f furnish
export FOLDER

# In a machine, after `furnish`: waits for its network card and address, then serves ssh.
machine() {
  local number=$1 address=$2 place=$FOLDER/n$1
  furnish "$place" "node$number"
  while ! ip link show eth0 > /dev/null 2>&1; do sleep 0.1; done
  ip link set eth0 up
  if [ "$address" ]; then
    ip addr add "$address/16" dev eth0
    ip route add default via 10.77.0.1
  fi
  # every process of a machine has init's place as its last parent, so sshd must not be init: it
  # would leave the dead of others lying about
  /usr/sbin/sshd -D -e -f /run/sshd/sshd_config &
  while :; do wait -n || sleep 0.2; done
}
export -f machine

mkdir -p "$FOLDER/shared"
PIDS=
for given in "$@"; do
  number=${given#-} place=$FOLDER/n${given#-}
  address=10.77.0.$number
  [ "$given" = "$number" ] || address=
  ssh-keygen -q -t ed25519 -N '' -f "$place/hostkey"
  printf '%s\n' 'Port 22' 'ListenAddress 0.0.0.0' 'HostKey /run/sshd/hostkey' 'PidFile none' \
    'UsePAM no' 'StrictModes no' 'PasswordAuthentication no' 'MaxStartups 50' 'MaxSessions 50' \
    > "$place/sshd_config"
  unshare --net --mount --pid --uts --fork --mount-proc --kill-child -- \
    bash -c "machine $number $address" > "$place/log" 2>&1 &
  until child=$(cat "/proc/$!/task/$!/children") && [ "$child" ]; do sleep 0.02; done
  PIDS="$PIDS$number ${child% }
"
done

ip link add br0 type bridge
ip addr add 10.77.0.1/16 dev br0
ip link set br0 up
printf %s "$PIDS" | while read -r number pid; do
  while [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
  ip link add "v$number" type veth peer name eth0 netns "$pid"
  ip link set "v$number" master br0
  ip link set "v$number" up
done
for given in "$@"; do
  number=${given#-}
  [ "$given" = "$number" ] || continue
  until (exec 3<> "/dev/tcp/10.77.0.$number/22") 2> /dev/null; do sleep 0.1; done
done
furnish "$FOLDER/n1" client
printf %s "$PIDS" > /tmp/pids.new
mv /tmp/pids.new /tmp/pids
while :; do wait -n || sleep 1; done
