/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook-journal.h"
#include "hook-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a killed worker gets to close its files. */
#define BURIAL_MS 50

typedef enum {
    HOOK_PASS = 0,
    HOOK_VETO = 1,
    HOOK_MISUSE = 2,
} HookExit;

static HookOperation
parse_operation(const char *word)
{
    static const char *const words[] = {
        [HOOK_PREPARE] = "prepare",     [HOOK_START] = "start",     [HOOK_RELEASE] = "release",
        [HOOK_RECONNECT] = "reconnect", [HOOK_MIGRATE] = "migrate", [HOOK_RESTORE] = "restore",
    };

    for (guint i = HOOK_PREPARE; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0)
            return (HookOperation)i;
    return HOOK_OTHER;
}

/* Milliseconds until @limit_ms after the beginning of the call; 0: it is over */
static int
time_left(const HookCall *call, guint limit_ms)
{
    gint64 left = limit_ms - (g_get_monotonic_time() - call->begin) / 1000;

    return left > 0 ? (int)left : 0;
}

typedef enum {
    READ_MORE,
    READ_END,  /* or an error, which is as final */
    READ_LATE, /* the time is up */
} ReadResult;

/* Appends to @text what can be read from @fd, waiting until @limit_ms at most. */
static ReadResult
read_some(const HookCall *call, int fd, guint limit_ms, GString *text)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int left = time_left(call, limit_ms);
    char chunk[65536];
    gssize count;

    if (left == 0)
        return READ_LATE;
    if (poll(&wait, 1, left) < 0)
        return errno == EINTR ? READ_MORE : READ_END;
    if (!wait.revents)
        return READ_MORE;
    count = read(fd, chunk, sizeof chunk);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN ? READ_MORE : READ_END;
    g_string_append_len(text, chunk, count);
    return count > 0 ? READ_MORE : READ_END;
}

/* The other half of the time is for the work; releasing needs no document. FALSE: it did not end */
static gboolean
read_domain(HookCall *call)
{
    GString *text = g_string_new(NULL);
    ReadResult result = READ_MORE;

    while (result == READ_MORE && text->len <= HOOK_XML_LIMIT)
        result = read_some(call, STDIN_FILENO, HOOK_TIME_LIMIT_MS / 2, text);
    call->length = text->len;
    call->xml = g_string_free(text, FALSE);
    return result != READ_LATE;
}

/* libvirt waits until nobody holds the other ends of our streams: nor may a worker that hangs. */
static gboolean
let_go_of_streams(int keep)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0)
        return FALSE;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0)
            return FALSE;
    for (int fd = STDERR_FILENO + 1; fd < keep; fd++)
        close(fd);
    if (close_range((unsigned)keep + 1, ~0U, 0) != 0) /* Linux before 5.9; libvirt leaves few */
        for (int fd = keep + 1; fd < 1024; fd++)
            close(fd);
    return TRUE;
}

static void
work_and_exit(const HookCall *call, int pipe, pid_t parent)
{
    /* whoever kills the hook ends its worker too */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || !let_go_of_streams(pipe))
        _exit(HOOK_MISUSE);
    hook_work(call, pipe);
    _exit(HOOK_PASS);
}

static gboolean
start_worker(const HookCall *call, pid_t *ret_worker, int *ret_pipe)
{
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return FALSE;
    *ret_worker = fork();
    if (*ret_worker == 0)
        work_and_exit(call, ends[1], parent);
    close(ends[1]);
    *ret_pipe = ends[0];
    if (*ret_worker < 0)
        close(ends[0]);
    return *ret_worker > 0;
}

/* The whole lines of @said so far; takes over the limit. Returns the last word once it is there:
 * HOOK_SAYS_VETO or HOOK_SAYS_DONE, and the veto's text. */
static char
understand(GString *said, guint *limit_ms, char **ret_veto)
{
    char *end;

    while ((end = memchr(said->str, '\n', said->len))) {
        g_autofree char *line = g_strndup(said->str, (gsize)(end - said->str));

        g_string_erase(said, 0, end - said->str + 1);
        if (*line == HOOK_SAYS_LIMIT)
            *limit_ms = (guint)strtoul(line + 1, NULL, 10);
        if (*line == HOOK_SAYS_VETO)
            *ret_veto = g_strdup(line + 1);
        if (*line == HOOK_SAYS_VETO || *line == HOOK_SAYS_DONE)
            return *line;
    }
    return 0;
}

/* Standard error is shown only with a veto; without one it is for people who try by hand. */
static void
complain(const HookCall *call, const char *what)
{
    fprintf(stderr, "virt-viommu: %s: %s\n", call->name, what);
    hook_journal(call, HOOK_ERROR, NULL, NULL, "%s", what);
}

/* A worker that has been told to end, or has said its last word, is gone in no time: its end of the
 * pipe closes first. One that cannot be killed, asleep in the kernel, is left to init. */
static void
bury(pid_t worker, int pipe)
{
    struct pollfd wait = {.fd = pipe, .events = POLLIN};
    char rest[4096];
    gboolean gone = FALSE;

    while (!gone && poll(&wait, 1, BURIAL_MS) > 0)
        gone = read(pipe, rest, sizeof rest) <= 0;
    waitpid(worker, NULL, gone ? 0 : WNOHANG);
}

/* @limit_ms: that is over; 0: the worker has died */
static void
give_up(const HookCall *call, guint limit_ms)
{
    g_autofree char *text = NULL;

    text = limit_ms > 0 ? g_strdup_printf("no verdict within %u ms; it goes on unchecked", limit_ms)
                        : g_strdup("the check ended without a verdict; it goes on unchecked");
    complain(call, text);
}

static HookExit
wait_for(const HookCall *call, pid_t worker, int pipe)
{
    g_autoptr(GString) said = g_string_new(NULL);
    g_autofree char *veto = NULL;
    guint limit_ms = HOOK_TIME_LIMIT_MS;
    ReadResult result = READ_MORE;
    char word = 0;

    while (!word && result == READ_MORE) {
        result = read_some(call, pipe, limit_ms, said);
        word = understand(said, &limit_ms, &veto);
    }
    if (!word) {
        kill(worker, SIGKILL);
        give_up(call, result == READ_LATE ? limit_ms : 0);
    }
    bury(worker, pipe);
    if (word != HOOK_SAYS_VETO)
        return HOOK_PASS;
    fprintf(stderr, "virt-viommu: %s\n", veto);
    return HOOK_VETO;
}

static HookExit
run(HookCall *call)
{
    pid_t worker = -1;
    int pipe = -1;
    HookExit code;

    if (!read_domain(call) && call->operation != HOOK_RELEASE) {
        complain(call, "standard input did not end in time; it goes on unchecked");
        code = HOOK_PASS;
    } else if (!start_worker(call, &worker, &pipe)) {
        complain(call, "cannot start the check; it goes on unchecked");
        code = HOOK_PASS;
    } else {
        code = wait_for(call, worker, pipe);
    }
    g_free(call->xml);
    return code;
}

/* A file that we open must not become a stream that the caller has closed. */
static gboolean
keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
            return FALSE;
    return TRUE;
}

int
main(int argc, char **argv)
{
    HookCall call = {.begin = g_get_monotonic_time()};

    if (!keep_standard_streams())
        return HOOK_PASS;
    signal(SIGPIPE, SIG_IGN);
    umask(022);
    g_set_prgname("virt-viommu-hook");
    if (argc < 3) {
        fputs("usage: 50-viommu DOMAIN OPERATION SUB-OPERATION EXTRA <DOMAIN.xml\n"
              "libvirt runs this; see virt-viommu-hook(8)\n",
              stderr);
        return HOOK_MISUSE;
    }
    call.domain = argv[1];
    call.name = argv[2];
    call.operation = parse_operation(call.name);
    return (int)(call.operation == HOOK_OTHER ? HOOK_PASS : run(&call));
}
