#!/bin/busybox sh
# First process of the virtual machine: prepares it, runs tune for real, prints what it saw, powers off.
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mkdir -p /var/lib /etc/sysctl.d /root /etc/default/grub.d
echo 3 > /proc/sys/kernel/printk
insmod /e1000e.ko
sleep 1
ip link set lo up
ip link set eth0 up
ip link set eth1 up
ip addr add 192.0.2.2/24 dev eth1
ip route add default via 192.0.2.1
section() { echo "=== $1"; }
look() {
  ethtool -g eth0 | sed -n '/Current/,$p' | grep '^RX:'
  ethtool -c eth0 | grep -E '^rx-usecs:'
  ethtool -a eth0 | grep -E "^(Auto|RX:|TX:)"
  for irq in $(ls /sys/class/net/eth0/device/msi_irqs); do
    # A vector that no driver asked for has no folder.
    [ -d /proc/irq/$irq ] && echo "irq $(cat /proc/irq/$irq/smp_affinity_list)"
  done
  cat /proc/sys/vm/swappiness /proc/sys/vm/dirty_ratio /proc/sys/net/core/rmem_max
  cat /sys/kernel/mm/transparent_hugepage/enabled
  ls /etc/sysctl.d /etc/default/grub.d /var/lib
}
choice="--interface eth0 --profile aggressive --with nic.rx-ring"
section before; look
section plan; hftedge tune plan $choice
section apply; hftedge tune apply $choice; echo "exit $?"
section after; look; cat /etc/default/grub.d/60-hftedge.cfg
section status; hftedge tune status; echo "exit $?"
ethtool -C eth0 rx-usecs 20
section drift; hftedge tune status; echo "exit $?"
ethtool -C eth0 rx-usecs 0
section revert; hftedge tune revert; echo "exit $?"
section restored; look
section end
poweroff -f
