# Makes the world in which one Windows program runs, then runs it. Started by session.mjs as the
# first process of mount and process namespaces of its own: when this ends or is killed, every
# process in them ends (wineserver too) and every mount below is gone.
#
# usage: session.sh MODE WINE RUNTIME CHECKOUT REPORT COMMAND...
#   build  the cached Wine itself is written to
#   test   all writes go to memory and are forgotten, those to the checkout too
#   live   as test, but the checkout is the real one
# What the command writes to Z:\report.xml is put into the file REPORT, if that is given.
set -eu
mode=$1 wine=$2 runtime=$3 checkout=$4 report=$5
shift 5

mount -t tmpfs -o mode=755 tmpfs "$wine/stage"
cd "$wine/stage"
mkdir root

# Layers are bound to short names first: overlay's option can't hold any path (":", ",").
overlay() {
  mkdir "$1-lower" "$1-upper" "$1-work"
  mount --rbind "$2" "$1-lower"
  options="lowerdir=$1-lower,upperdir=$1-upper,workdir=$1-work"
  # Within a user namespace the layers' marks have to be ordinary attributes.
  mount -t overlay -o "$options,userxattr" overlay "$3" 2>/dev/null ||
    mount -t overlay -o "$options" overlay "$3"
}

case $mode in
build) mount --rbind "$wine/root" root ;;
*)
  overlay wine "$wine/root" root
  mount --rbind "$runtime" root/runtime
  case $mode in
  test) overlay checkout "$checkout" root/checkout ;;
  live) mount --rbind "$checkout" root/checkout ;;
  esac
  ;;
esac

mount -t proc proc root/proc
mount --rbind /sys root/sys # From here Wine knows the processors.
mount -t tmpfs -o mode=755 tmpfs root/dev
for node in null zero full random urandom; do
  : >"root/dev/$node"
  mount --bind "/dev/$node" "root/dev/$node"
done
mkdir root/dev/shm
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs -o mode=755 tmpfs root/run

status=0
directory=/checkout
[ "$mode" = build ] && directory=/
# Not exec: a first process can't be ended by a signal of its own, so a crash would go unseen.
unshare --root=root --wd="$directory" "$@" || status=$?
if [ -n "$report" ] && [ -e root/report.xml ]; then cat root/report.xml >"$report"; fi
exit "$status"
