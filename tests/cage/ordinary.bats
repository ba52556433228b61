#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Ordinary work passes the filter and the walls: compilers, interpreters, debuggers of one's own children, shared memory.

load ../lib/common

setup() {
    make_project <<<$'[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false'
}

# has NAME: the cage has this program in /usr; else the test is skipped (a failure where everything must be installed).
has() {
    [ -x "/usr/bin/$1" ] && return
    need "${2-$1}"
    skip "$1 is not in /usr/bin"
}

# c_program: compiles the C program on standard input in the cage and runs it.
c_program() {
    has gcc
    cat >program.c
    run_cage sh -c 'gcc -O1 -Wall -pthread -o program program.c && ./program'
}

@test "C: compile, link, run; make -j" {
    has gcc
    has make
    for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" >"f$i.c"; done
    printf '#include <stdio.h>\nint f1(void), f2(void), f3(void), f4(void);\nint main(void) { printf("%%d\\n", f1() + f2() + f3() + f4()); }\n' >main.c
    printf 'all: sum\n\t./sum\nsum: main.o f1.o f2.o f3.o f4.o\n\t$(CC) -o $@ $^\n' >Makefile
    run_cage make -j2
    assert_status 0
    assert_line 10
}

@test "node: files, a child, a worker thread, a local server" {
    has node
    cat >t.js <<'END'
const { execFileSync, spawnSync } = require('child_process');
const { Worker, isMainThread, parentPort } = require('worker_threads');
const fs = require('fs'), http = require('http');
if (!isMainThread) { parentPort.postMessage('worker'); }
else {
    fs.writeFileSync('a', 'x'); fs.chmodSync('a', 0o755); fs.watch('.').close();
    console.log(execFileSync('/bin/sh', ['-c', 'echo child']).toString().trim());
    new Worker(__filename).on('message', (m) => {
        console.log(m);
        const server = http.createServer((q, r) => r.end('served')).listen(0, '127.0.0.1', () =>
            http.get({ port: server.address().port, host: '127.0.0.1' }, (r) =>
                r.on('data', (d) => { console.log(d.toString()); server.close(); })));
    });
}
END
    run_cage node t.js
    assert_status 0
    assert_output $'child\nworker\nserved'
}

@test "python: threads, subprocess, multiprocessing, asyncio, sqlite, sockets, temporary files" {
    has python3
    cat >t.py <<'END'
import asyncio, multiprocessing, os, shutil, socket, sqlite3, subprocess, tempfile, threading
from multiprocessing import shared_memory

def square(x):
    return x * x

if __name__ == '__main__':
    done = []
    threads = [threading.Thread(target=done.append, args=(i,)) for i in range(20)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(len(done))
    print(subprocess.run(['sh', '-c', 'echo child'], capture_output=True, text=True, start_new_session=True).stdout.strip())
    for how in ('fork', 'spawn', 'forkserver'):
        with multiprocessing.get_context(how).Pool(3) as pool:
            print(how, sum(pool.map(square, range(10))))
    shm = shared_memory.SharedMemory(create=True, size=4096)
    shm.buf[0] = 7; other = shared_memory.SharedMemory(shm.name); print(other.buf[0]); other.close(); shm.close(); shm.unlink()
    async def main():
        p = await asyncio.create_subprocess_exec('true')
        return await p.wait()
    print(asyncio.run(main()))
    db = sqlite3.connect('t.db'); db.execute('pragma journal_mode=wal'); db.execute('create table t(x)')
    db.execute('insert into t values (42)'); db.commit(); print(db.execute('select x from t').fetchone()[0])
    a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0]); print(len(socket.recv_fds(b, 1, 1)[1]))
    with tempfile.TemporaryDirectory() as d: shutil.copytree('/etc', d + '/etc', ignore_dangling_symlinks=True, ignore=lambda *_: ['ssl', 'alternatives'])
    os.memfd_create('m'); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.nice(1); os.pidfd_open(os.getpid())
END
    # Its sockets need a short path.
    run_cage env TMPDIR=/tmp python3 t.py
    assert_status 0
    assert_output $'20\nchild\nfork 285\nspawn 285\nforkserver 285\n7\n0\n42\n1'
}

@test "perl: fork, pipe, sockets, locks" {
    has perl
    run_cage perl -MSocket -MFcntl=:flock -e '
        open(my $p, "-|", "echo", "piped") or die; print <$p>; close $p;
        socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die;
        open(my $f, ">", "lock") or die; flock($f, LOCK_EX) or die;
        if (my $pid = fork) { waitpid $pid, 0; print $? >> 8, "\n" } else { exit 3 }'
    assert_status 0
    assert_output $'piped\n3'
}

@test "git: init, commit, clone, branches, worktrees, gc; in the project, a commit" {
    has git
    git -c init.defaultBranch=main init -q .
    run_cage sh -c '
        set -e
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        echo 1 >file; git add file; git commit -qm one; git checkout -qb side; echo 2 >file; git commit -qam two
        git checkout -q main; git merge -q side; git gc -q; git log --oneline | wc -l
        cd /tmp; git clone -q "$0" copy; cd copy; git config user.name b; echo 3 >file; git commit -qam three
        git worktree add -q ../tree -b tree; git stash list; git push -q origin HEAD:refs/heads/pushed; echo done' "$PROJECT"
    assert_status 0
    assert_line 2
    assert_line 'done'
    [ "$(git log --oneline pushed | wc -l)" = 3 ]
    git fsck --no-progress
}

@test "files: tar, cp with attributes, links, locks, sparse files, renames" {
    has tar
    run_cage sh -c '
        set -e
        mkdir d; echo x >d/a; ln d/a d/hard; ln -s a d/soft; mkfifo d/fifo; chmod 0751 d/a; touch -d 2001-01-01 d/a
        truncate -s 1M d/sparse; tar --xattrs --acls -cpf t.tar d; mkdir out; tar --xattrs -xpf t.tar -C out
        cp -a --reflink=auto d copy; stat -c "%a %Y" copy/a; mv d e; flock lock true; install -m 0640 e/a i; dd if=e/a of=o status=none
        chmod 1777 out; rm -rf e out; echo done'
    assert_status 0
    assert_line "751 $(date -d 2001-01-01 +%s)"
    assert_line 'done'
    if [ -x /usr/bin/setfattr ]; then
        run_cage sh -c 'setfattr -n user.k -v v copy/a && cp -a copy/a b && getfattr --only-values -n user.k b'
        assert_output v
    fi
}

@test "gdb and strace of one's own children" {
    has gcc
    has gdb
    has strace
    echo 'int main(int argc, char **argv) { (void)argv; return argc + 4; }' >p.c
    run_cage sh -c 'gcc -g -o p p.c && gdb -q -batch -ex "break main" -ex run -ex "print argc" -ex kill ./p; strace -f -e trace=execve sh -c "./p; true"; exit 0'
    assert_output_has '$1 = 1'
    assert_stderr_has 'execve("./p"'
    run_cage sh -c 'sleep 100 & p=$!; gdb -q -batch -p $p -ex "info inferiors" 2>/dev/null; kill $p'
    assert_output_has process
}

@test "rust" {
    has rustc
    echo 'fn main() { let t = std::thread::spawn(|| 42); println!("rust {}", t.join().unwrap()); }' >t.rs
    run_cage sh -c 'rustc -o t t.rs && ./t'
    assert_status 0
    assert_line 'rust 42'
}

@test "go" {
    has go
    printf 'package main\nimport "fmt"\nfunc main() { c := make(chan int); go func() { c <- 42 }(); fmt.Println("go", <-c) }\n' >t.go
    run_cage sh -c 'GO111MODULE=off go run t.go'
    assert_status 0
    assert_line 'go 42'
}

@test "tmux inside" {
    has tmux
    run_cage sh -c 'export TERM=xterm TMUX_TMPDIR=/tmp; tmux -f /dev/null new-session -d "echo inner >out"
        i=0; until [ -s out ] || [ $((i += 1)) -gt 200 ]; do sleep 0.05; done; cat out'
    assert_status 0
    assert_line inner
}

@test "event interfaces: inotify, epoll, eventfd, timerfd, signalfd, memfd, pidfd" {
    c_program <<'END'
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#define TRY(x) do { if ((long)(x) < 0) { perror(#x); return 1; } } while (0)
int main(void)
{
    int ep = epoll_create1(0), in = inotify_init1(IN_NONBLOCK), ev = eventfd(0, 0), tm = timerfd_create(CLOCK_MONOTONIC, 0), m;
    struct epoll_event e = {.events = EPOLLIN};
    sigset_t s;
    char buf[4096];
    void *p;
    pid_t child;

    TRY(ep); TRY(in); TRY(ev); TRY(tm);
    TRY(inotify_add_watch(in, ".", IN_CREATE)); TRY(epoll_ctl(ep, EPOLL_CTL_ADD, in, &e));
    TRY(open("made", O_CREAT | O_RDWR, 0644)); TRY(epoll_wait(ep, &e, 1, 1000) - 1); TRY(read(in, buf, sizeof buf));
    sigemptyset(&s); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, NULL); m = signalfd(-1, &s, 0); TRY(m);
    kill(getpid(), SIGUSR1); TRY(read(m, buf, sizeof(struct signalfd_siginfo)));
    m = memfd_create("m", MFD_ALLOW_SEALING); TRY(m); TRY(ftruncate(m, 4096)); TRY(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK));
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0); TRY(p == MAP_FAILED ? -1 : 0);
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); TRY(p == MAP_FAILED ? -1 : 0);
    child = fork(); if (child == 0) pause();
    m = (int)syscall(SYS_pidfd_open, child, 0); TRY(m); TRY(syscall(SYS_pidfd_send_signal, m, SIGKILL, 0, 0)); TRY(waitpid(child, NULL, 0));
    puts("all");
}
END
    assert_status 0
    assert_output all
}

@test "shared memory and semaphores: System V and POSIX" {
    c_program <<'END'
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#define TRY(x) do { if ((long)(x) < 0) { perror(#x); return 1; } } while (0)
int main(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
    TRY(id); TRY(shmat(id, NULL, 0)); TRY(shmctl(id, IPC_RMID, NULL));
    TRY(semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT)); TRY(msgget(IPC_PRIVATE, 0600 | IPC_CREAT));
    TRY(shm_open("/s", O_CREAT | O_RDWR, 0600)); TRY(sem_open("/s", O_CREAT, 0600, 1) == SEM_FAILED ? -1 : 0);
    TRY(mq_open("/q", O_CREAT | O_RDWR, 0600, NULL));
    puts("all");
}
END
    assert_status 0
    assert_output all
}

@test "many processes" {
    run_cage bash -c 'for i in $(seq 50); do (for k in 1 2 3; do true & done; wait) & done; wait; echo all'
    assert_status 0
    assert_output all
}

@test "local sockets work; raw ones do not" {
    has python3
    run_cage python3 -c '
import socket
for family in (socket.AF_INET, socket.AF_INET6):
    s = socket.socket(family); s.bind(("localhost" if family == socket.AF_INET else "::1", 0)); s.listen()
    c = socket.create_connection(s.getsockname()[:2]); print("connected"); c.close()
u = socket.socket(socket.AF_UNIX); u.bind("\0inner"); u.listen(); socket.socket(socket.AF_UNIX).connect("\0inner"); print("abstract")
try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
except PermissionError: print("no raw socket")
print(socket.if_nameindex()[0][1])'
    assert_status 0
    assert_output $'connected\nconnected\nabstract\nno raw socket\nlo'
}
