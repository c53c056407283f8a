/* Modbus/TCP Security load: N connections with a client certificate, one read in flight on each, for a given time.
 *
 * Usage: tls_load PORT CONNECTIONS SECONDS FIRST_REGISTER REGISTERS PEM read|handshake
 * PEM holds the client's key and certificate. With `read` the connections stand before the load begins and stay until
 * standard input ends. With `handshake` each one is opened, asks once, and is closed, again and again; no session is
 * ever resumed.
 * Protocol with the caller as in load.c: "ready", a line on standard input, the load, one JSON object, end of input.
 * Every answer is checked. It polls without sleeping.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST 12
#define BUCKETS 2000000 /* one per 0.5 us: 1 s */
#define EVENTS 256
#define DRAIN_NS 1000000000LL

struct connection {
    int fd, shaking, asked;
    SSL *ssl;
    uint16_t id;
    int64_t sent_ns;
    size_t filled;
    uint8_t buffer[260];
};

static int port, registers, first_register, poller, handshakes, draining;
static SSL_CTX *context;
static uint32_t *histogram;
static uint64_t completed, errors, in_flight;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void finish(struct connection *c)
{
    if (c->asked)
        in_flight--;
    c->asked = 0;
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    c->ssl = NULL;
    close(c->fd);
}

static void begin(struct connection *c)
{
    int yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_connect_state(c->ssl);
    c->shaking = 1;
    c->asked = 0;
    c->filled = 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static int ask(struct connection *c)
{
    c->id++;
    const uint8_t request[REQUEST] = {c->id >> 8, c->id & 255, 0, 0, 0, 6, 1, 3,
        first_register >> 8, first_register & 255, registers >> 8, registers & 255};
    if (!handshakes)
        c->sent_ns = now_ns();
    if (SSL_write(c->ssl, request, REQUEST) != REQUEST)
        return 0;
    c->asked = 1;
    in_flight++;
    return 1;
}

static int valid(const struct connection *c)
{
    const uint8_t *a = c->buffer;
    int bytes = 2 * registers;
    return (a[0] << 8 | a[1]) == c->id && a[2] == 0 && a[3] == 0 && (a[4] << 8 | a[5]) == bytes + 3 && a[6] == 1 &&
           a[7] == 3 && a[8] == bytes;
}

static int would_block(SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* As far as it goes; 0 where the connection is of no use any more. */
static int step(struct connection *c)
{
    if (c->shaking) {
        int result = SSL_do_handshake(c->ssl);
        if (result != 1)
            return would_block(c->ssl, result);
        c->shaking = 0;
        if (handshakes && !ask(c))
            return 0;
    }
    const size_t size = 9 + 2 * (size_t)registers;
    for (;;) {
        int n = SSL_read(c->ssl, c->buffer + c->filled, size - c->filled);
        if (n <= 0)
            return would_block(c->ssl, n);
        c->filled += n;
        if (c->filled < size)
            continue;
        if (!c->asked || !valid(c))
            return 0;
        int64_t bucket = (now_ns() - c->sent_ns) / 500;
        histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
        completed++;
        in_flight--;
        c->asked = 0;
        c->filled = 0;
        if (handshakes) {
            finish(c);
            if (!draining) {
                c->sent_ns = now_ns();
                begin(c);
            }
            return 1;
        }
        if (!draining && !ask(c))
            return 0;
    }
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

static void turn(int timeout_ms)
{
    struct epoll_event ready[EVENTS];
    int n = epoll_wait(poller, ready, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct connection *c = ready[i].data.ptr;
        if (c->ssl != NULL && !step(c)) {
            errors++;
            finish(c);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: %s PORT CONNECTIONS SECONDS FIRST_REGISTER REGISTERS PEM read|handshake\n", argv[0]);
        return 2;
    }
    const int count = atoi(argv[2]);
    const double seconds = atof(argv[3]);
    port = atoi(argv[1]);
    first_register = atoi(argv[4]);
    registers = atoi(argv[5]);
    handshakes = strcmp(argv[7], "handshake") == 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    if (SSL_CTX_use_certificate_chain_file(context, argv[6]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[6], SSL_FILETYPE_PEM) != 1)
        die("certificate");
    histogram = calloc(BUCKETS, sizeof *histogram);
    struct connection *all = calloc(count, sizeof *all);
    poller = epoll_create1(0);
    if (!histogram || !all || poller < 0)
        die("memory");
    if (!handshakes)
        for (int i = 0; i < count; i++) { /* one after the other: no server has to bear a flood here */
            begin(&all[i]);
            const int64_t patience = now_ns() + 5000000000LL;
            while (all[i].ssl != NULL && all[i].shaking && now_ns() < patience)
                turn(1);
            if (all[i].ssl == NULL || all[i].shaking)
                die("handshake");
        }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;

    const int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
    for (int i = 0; i < count; i++) {
        all[i].sent_ns = start;
        if (handshakes)
            begin(&all[i]);
        else if (!ask(&all[i]))
            errors++;
    }
    int64_t now = start;
    while (now < end || (in_flight && now < end + DRAIN_NS)) {
        draining = now >= end;
        turn(0);
        now = now_ns();
    }
    printf("{\"completed\": %llu, \"lost\": %llu, \"errors\": %llu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (unsigned long long)completed, (unsigned long long)in_flight, (unsigned long long)errors,
           (double)(now - start) / 1e9, percentile(0.5), percentile(0.99));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
