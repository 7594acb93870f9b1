#!/bin/bash
# Runs as a unit of a Debian in QEMU: installs the service and does to it what an operator does. What
# it sees goes to the serial console, in sections that begin with "=== name".
exec > /dev/ttyS0 2>&1
edge=/usr/local/bin/hftedge
config=/etc/hftedge/hftedge.toml
say() { printf '\n=== %s\n' "$1"; }
state() { systemctl show hftedge -p "$1" --value; }
exits() { echo "exit $?"; }
journal() { journalctl -u hftedge -o cat --no-pager; }
configure() {
  cat > $config << TOML
[[feed]]
symbols = ["$1"]
[inference]
engine = "rules"
[thread]
heartbeatMs = 60000
$2
TOML
}
tick() {
  printf '{"symbol":"%s","timestamp":%s,"price":%s,"volume":300,"bid":%s,"ask":%s,"bidSize":%s,"askSize":%s}\n' \
    "$1" "$(date +%s%3N)" "$2" "$2" "$3" "$4" "$5" > /dev/udp/127.0.0.1/26400
}
# Rises under buying pressure, falls under selling.
market() {
  for ((i = 0; i < 80; i++)); do
    if ((i % 40 < 20)); then
      tick "$1" "100.$((40 - i % 20))" "100.$((41 - i % 20))" 100 900
    else
      tick "$1" "100.$((20 + i % 20))" "100.$((21 + i % 20))" 900 100
    fi
    sleep 0.02
  done
}
get() { curl -s -m 30 "http://127.0.0.1:8080$1"; echo; }

say kernel
uname -r
systemctl --version | head -1

say install
$edge service status; exits
$edge service install; exits
$edge config check --config $config; exits
systemctl is-enabled hftedge

say start
configure AAA
systemctl start hftedge; exits
systemctl show hftedge -p Type,ActiveState,SubState,StatusText,NRestarts,WatchdogUSec
$edge service status; exits
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp|VmLck):' "/proc/$(state MainPID)/status"
systemctl show hftedge -p DynamicUser,LimitMEMLOCK,LimitRTPRIO,OOMScoreAdjust

say feed
market AAA
get /readyz
get /api/v1/symbols/AAA
get /api/v1/feed
sleep 3
get '/api/v1/latency/summary?from=-1m&stage=data_ingestion'
$edge query signals --limit 2; exits
$edge hold AAA; exits
get /api/v1/symbols/AAA
$edge release AAA; exits

say diagnosis
get /api/v1/diagnosis | grep -oE '"id":"[^"]*","area":"[^"]*","subject":"[^"]*","severity":"[^"]*"'

say watchdog
first=$(state MainPID)
sleep 25
[ "$(state MainPID)" = "$first" ] && echo "the same process"
state NRestarts

say reload
configure BBB
systemctl reload hftedge; exits
sleep 2
state ActiveState
market BBB
get /api/v1/symbols/BBB
get /api/v1/symbols/AAA
configure BBB '[log]
level = "loud"'
systemctl reload hftedge; exits
sleep 5
state ActiveState
configure BBB

say frozen
kill -STOP "$first"
for ((i = 0; i < 120; i++)); do
  sleep 1
  now=$(state MainPID)
  [ "$now" != "$first" ] && [ "$now" != 0 ] && [ "$(state ActiveState)" = active ] && break
done
echo "after $i s"
systemctl show hftedge -p ActiveState,NRestarts
journal | grep -E 'Watchdog|ended without|ready:' | tail -3
market BBB
get /api/v1/symbols/BBB

say killed
kill -9 "$(state MainPID)"
for ((i = 0; i < 120; i++)); do
  sleep 1
  [ "$(state ActiveState)" = active ] && break
done
echo "after $i s"
systemctl show hftedge -p ActiveState,NRestarts

say stop
systemctl stop hftedge; exits
systemctl show hftedge -p ActiveState,SubState,Result,ExecMainStatus
$edge service status; exits
journal | tail -6

say realtime
configure BBB 'feedCpu = 1
feedPriority = 20'
systemctl start hftedge; exits
for task in /proc/"$(state MainPID)"/task/*; do
  chrt -p "${task##*/}" | grep -E 'FIFO'
  grep -E 'Cpus_allowed_list:\s+1$' "$task/status"
done
systemctl stop hftedge; exits

say mistake
echo 'nonsense = 1' >> $config
systemctl start hftedge; exits
state Result
systemctl reset-failed hftedge
configure BBB

say journal
journal

say uninstall
$edge service uninstall; exits
$edge service status; exits
ls /etc/hftedge /var/lib/hftedge

say end
systemctl poweroff
