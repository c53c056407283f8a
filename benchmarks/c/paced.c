/* Modbus TCP load at a steady rate that notes when an answer shows values that no answer showed before.
 *
 * Usage: paced PORT CONNECTIONS RATE REGISTERS
 * One read of the registers from 0 on each 1/RATE s, on one connection after the other, each waited for: what comes late
 * makes up for it at once. Prints "ready" once all connections stand, loads until standard input ends, then prints how
 * many requests a second were answered, and for each new value a line: CLOCK_BOOTTIME in ns, the registers in hex.
 */
#define _GNU_SOURCE /* ppoll */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST 12
#define HEAD 9
#define MAX_REGISTERS 125
#define MAX_CONNECTIONS 100
#define MAX_VALUES 100000

struct value {
    int64_t at_ns;
    uint8_t registers[2 * MAX_REGISTERS];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_connection(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: paced PORT CONNECTIONS RATE REGISTERS\n");
        return 2;
    }
    const int connections = atoi(argv[2]), registers = atoi(argv[4]);
    const int64_t period_ns = 1000000000LL / atoi(argv[3]);
    if (connections < 1 || connections > MAX_CONNECTIONS || registers < 1 || registers > MAX_REGISTERS)
        return 2;
    int fds[MAX_CONNECTIONS];
    for (int i = 0; i < connections; i++)
        fds[i] = open_connection(atoi(argv[1]));
    struct value *values = calloc(MAX_VALUES, sizeof *values);
    if (!values)
        die("memory");
    const uint8_t request[REQUEST] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, registers};
    const size_t size = HEAD + 2 * registers;
    prctl(PR_SET_TIMERSLACK, 1);
    puts("ready");
    fflush(stdout);

    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t begin = now_ns(), due = begin;
    long answered = 0, found = 0;
    for (;;) {
        int fd = fds[answered % connections];
        uint8_t answer[HEAD + 2 * MAX_REGISTERS];
        if (send(fd, request, sizeof request, 0) != sizeof request)
            die("send");
        if (recv(fd, answer, size, MSG_WAITALL) != (ssize_t)size || answer[7] != 3) {
            fprintf(stderr, "a wrong answer\n");
            return 1;
        }
        const int64_t at = now_ns();
        answered++;
        if (found < MAX_VALUES && (!found || memcmp(values[found - 1].registers, answer + HEAD, size - HEAD))) {
            values[found].at_ns = at;
            memcpy(values[found++].registers, answer + HEAD, size - HEAD);
        }
        due += period_ns;
        const int64_t left = due - at;
        struct timespec pause = {0, left > 0 ? left : 0};
        if (ppoll(&input, 1, &pause, NULL) > 0)
            break;
    }
    printf("%.0f\n", answered * 1e9 / (now_ns() - begin));
    for (long i = 0; i < found; i++) {
        printf("%lld ", (long long)values[i].at_ns);
        for (int byte = 0; byte < 2 * registers; byte++)
            printf("%02x", values[i].registers[byte]);
        putchar('\n');
    }
    return 0;
}
