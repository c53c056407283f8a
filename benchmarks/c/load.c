/* Modbus TCP load: N connections, each with D reads in flight, for a given time. One process, one epoll loop.
 *
 * Usage: load PORT CONNECTIONS DEPTH SECONDS FIRST_REGISTER REGISTERS
 * Protocol with the caller: prints "ready" once all connections stand, waits for a line on standard input, loads, prints
 * one JSON object, waits for the end of standard input, and only then closes the connections. So the caller can read the
 * server's processor time before and after the load alone.
 *
 * Every answer is checked: transaction id, protocol id, length, unit id, function, byte count. Answers come in order; an
 * answer that skips requests means these are lost. When the time is over nothing more is asked, and what is in flight is
 * waited for; what has not come after another second is lost as well.
 *
 * It polls without sleeping, so that no server pays for waking it up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEPTH 256
#define REQUEST 12
#define BUCKETS 2000000 /* one per 0.5 us: 1 s */
#define EVENTS 256
#define DRAIN_NS 1000000000LL

struct connection {
    int fd;
    uint16_t first, next; /* transaction ids in flight: [first, next) */
    int64_t sent_ns[MAX_DEPTH];
    size_t filled;
    uint8_t buffer[MAX_DEPTH * 260];
};

static int depth, registers, first_register, poller;
static uint32_t *histogram;
static uint64_t completed, lost, errors, in_flight;
static int draining;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void refill(struct connection *c, int64_t now)
{
    uint8_t out[MAX_DEPTH * REQUEST];
    size_t length = 0;
    while ((uint16_t)(c->next - c->first) < depth) {
        const uint8_t request[REQUEST] = {
            c->next >> 8, c->next & 255, 0, 0, 0, 6, 1, 3,
            first_register >> 8, first_register & 255, registers >> 8, registers & 255};
        memcpy(out + length, request, REQUEST);
        length += REQUEST;
        c->sent_ns[c->next % MAX_DEPTH] = now;
        c->next++;
        in_flight++;
    }
    if (length && send(c->fd, out, length, MSG_NOSIGNAL) != (ssize_t)length) {
        errors++;
        epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
    }
}

static int valid(const uint8_t *a)
{
    int bytes = 2 * registers;
    return a[2] == 0 && a[3] == 0 && (a[4] << 8 | a[5]) == bytes + 3 && a[6] == 1 && a[7] == 3 && a[8] == bytes;
}

static void receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->buffer + c->filled, sizeof c->buffer - c->filled, 0);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        errors++;
        epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    int64_t now = now_ns();
    size_t at = 0, size = 9 + 2 * (size_t)registers;
    c->filled += n;
    while (c->filled - at >= size) {
        const uint8_t *answer = c->buffer + at;
        uint16_t id = answer[0] << 8 | answer[1];
        uint16_t skipped = id - c->first;
        if (!valid(answer) || skipped >= (uint16_t)(c->next - c->first)) {
            errors++;
            epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
            return;
        }
        lost += skipped;
        in_flight -= skipped + 1;
        c->first = id + 1;
        int64_t bucket = (now - c->sent_ns[id % MAX_DEPTH]) / 500;
        histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
        completed++;
        at += size;
    }
    c->filled -= at;
    memmove(c->buffer, c->buffer + at, c->filled);
    if (!draining)
        refill(c, now);
}

static double percentile(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)completed), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > wanted)
            return (i + 0.5) / 2;
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: %s PORT CONNECTIONS DEPTH SECONDS FIRST_REGISTER REGISTERS\n", argv[0]);
        return 2;
    }
    const int port = atoi(argv[1]), count = atoi(argv[2]);
    const double seconds = atof(argv[4]);
    depth = atoi(argv[3]);
    first_register = atoi(argv[5]);
    registers = atoi(argv[6]);
    if (depth < 1 || depth > MAX_DEPTH || count < 1 || registers < 1 || registers > 125) {
        fprintf(stderr, "DEPTH is 1 to %d, REGISTERS 1 to 125, CONNECTIONS at least 1\n", MAX_DEPTH);
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    histogram = calloc(BUCKETS, sizeof *histogram);
    struct connection *all = calloc(count, sizeof *all);
    poller = epoll_create1(0);
    if (!histogram || !all || poller < 0)
        die("memory");
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < count; i++) {
        int yes = 1;
        struct connection *c = &all[i];
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
            die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;

    const int64_t begin = now_ns(), end = begin + (int64_t)(seconds * 1e9);
    int64_t now = begin, last = begin;
    for (int i = 0; i < count; i++)
        refill(&all[i], begin);
    struct epoll_event ready[EVENTS];
    while (now < end || (in_flight && now < end + DRAIN_NS)) {
        int n = epoll_wait(poller, ready, EVENTS, 0);
        draining = now >= end;
        for (int i = 0; i < n; i++)
            receive(ready[i].data.ptr);
        now = now_ns();
        if (n > 0)
            last = now;
    }
    lost += in_flight;
    printf("{\"completed\": %llu, \"lost\": %llu, \"errors\": %llu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (unsigned long long)completed, (unsigned long long)lost, (unsigned long long)errors,
           (double)(last - begin) / 1e9, percentile(0.5), percentile(0.99));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
