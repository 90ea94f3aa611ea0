/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks an installed QEMU over QMP which properties its devices have: names change between
 * releases (intel-iommu's x-flts became fsts). Starts a machine of none, which opens nothing.
 * Only for people who ask for it: never on the way of a check.
 */
#include "host-read.h"

#include "base-text.h"
#include "host-sys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIME_LIMIT_US (10 * G_USEC_PER_SEC)
#define ANSWER_LIMIT  ((gsize)4 * 1024 * 1024)

/* What domains of this kind are made of; a device that this QEMU lacks is absent. */
static const char *const devices[] = {"intel-iommu", "amd-iommu", "virtio-iommu-pci", "arm-smmuv3",
                                      "vfio-pci",    "pxb-pcie",  "pcie-root-port"};

static char *
make_questions(void)
{
    g_autoptr(GString) text = g_string_new("{\"execute\": \"qmp_capabilities\"}\n"
                                           "{\"execute\": \"query-version\"}\n");

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++)
        g_string_append_printf(text,
                               "{\"execute\": \"device-list-properties\", \"arguments\": "
                               "{\"typename\": \"%s\"}, \"id\": %u}\n",
                               devices[i], i);
    g_string_append(text, "{\"execute\": \"quit\"}\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- the process --- */

typedef int Fd;

static void
fd_close(Fd *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fd, fd_close)

/* Until the end of the stream, the limit of time or of size. FALSE: a limit. */
static gboolean
read_answers(int fd, gint64 deadline, GString *out)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        gint64 left = (deadline - g_get_monotonic_time()) / 1000;
        char buffer[65536];
        gssize got;

        if (left <= 0 || out->len > ANSWER_LIMIT)
            return FALSE;
        if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
            return FALSE;
        if (!(wait.revents & (POLLIN | POLLHUP)))
            continue;
        got = read(fd, buffer, sizeof(buffer));
        if (got == 0)
            return TRUE;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return FALSE;
        if (got > 0)
            g_string_append_len(out, buffer, got);
    }
}

/* To a socket, whose other end may be gone without a signal to us. Whoever does not listen does not
 * answer either. */
static void
send_all(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        gssize put = send(fd, text, length, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return;
        text += put;
        length -= (gsize)put;
    }
}

/* Waits for its end, and makes it end when its time is up. */
static void
reap(GPid pid, gint64 deadline)
{
    pid_t ended = 0;

    while (ended == 0 || (ended < 0 && errno == EINTR)) {
        if (g_get_monotonic_time() >= deadline)
            (void)kill(pid, SIGKILL);
        ended = waitpid(pid, NULL, WNOHANG);
        if (ended == 0)
            g_usleep(1000);
    }
    g_spawn_close_pid(pid);
}

static GPid
start(const char *program, int in, int errors, Fd *ret_out, GError **error)
{
    const char *argv[] = {program,    "-M",   "none", "-nodefaults", "-no-user-config",
                          "-display", "none", "-qmp", "stdio",       NULL};
    g_autoptr(GError) failure = NULL;
    GPid pid = 0;

    if (g_spawn_async_with_pipes_and_fds(
            NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, in, -1,
            errors, NULL, NULL, 0, &pid, NULL, ret_out, NULL, &failure))
        return pid;
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot be started: %s", program,
                failure->message);
    return 0;
}

/* What QEMU answered, line by line, and where its complaints go: @errors. FALSE: it does not end
 * within the time, or talks without end. */
static gboolean
ask(const char *program, int errors, GString *answers, GError **error)
{
    g_autofree char *questions = make_questions();
    gint64 deadline = g_get_monotonic_time() + TIME_LIMIT_US;
    g_auto(Fd) ours = -1;
    g_auto(Fd) theirs = -1;
    g_auto(Fd) out = -1;
    gboolean fine;
    int pair[2];
    GPid pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot be asked: %s", program,
                    g_strerror(errno));
        return FALSE;
    }
    ours = pair[0];
    theirs = pair[1];
    pid = start(program, theirs, errors, &out, error);
    if (pid == 0)
        return FALSE;
    fd_close(&theirs);
    theirs = -1;
    send_all(ours, questions);
    fine = read_answers(out, deadline, answers);
    reap(pid, fine ? deadline : 0);
    if (!fine)
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                    "%s: no answer over QMP within %d s: is it a QEMU system emulator?", program,
                    (int)(TIME_LIMIT_US / G_USEC_PER_SEC));
    return fine;
}

/* (transfer full): the last line that it complained with, behind ": "; empty: none */
static char *
complaint(int errors)
{
    char text[4096] = "";
    gssize length = pread(errors, text, sizeof text - 1, 0);
    g_auto(GStrv) lines = NULL;
    char *last = NULL;

    text[MAX(length, 0)] = '\0';
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++)
        last = *lines[i] ? lines[i] : last;
    if (last) {
        g_autofree char *clean = host_sys_clean(last);

        return g_strconcat(": ", clean, NULL);
    }
    return g_strdup("");
}

/* --- answers --- */

static int
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
take_properties(ViommuHost *host, const char *device, BaseJson *list)
{
    HostEntry *entry = host_facts_add_entry(host->qemu_devices, device);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (gsize i = 0; i < json_object_array_length(list); i++) {
        BaseJson *property = json_object_array_get_idx(list, i);
        BaseJson *name = NULL;

        /* link<…>[*] and the like are of QEMU's own making, and no user's property */
        if (json_object_object_get_ex(property, "name", &name) &&
            json_object_is_type(name, json_type_string) &&
            !strpbrk(json_object_get_string(name), " []"))
            g_ptr_array_add(names, (gpointer)json_object_get_string(name));
    }
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    entry->text = (BaseText){BASE_STATE_KNOWN, g_strjoinv(" ", (char **)names->pdata)};
}

static void
take_version(ViommuHost *host, BaseJson *answer)
{
    BaseJson *qemu = NULL, *number = NULL;
    guint64 parts[3] = {0};
    static const char *const keys[] = {"major", "minor", "micro"};

    if (!json_object_object_get_ex(answer, "qemu", &qemu))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!json_object_object_get_ex(qemu, keys[i], &number))
            return;
        parts[i] = (guint64)json_object_get_int64(number) % 1000;
    }
    host->qemu = base_u64(BASE_VERSION(parts[0], parts[1], parts[2]));
}

static void
take_answer(ViommuHost *host, BaseJson *line)
{
    BaseJson *answer = NULL, *id = NULL;

    if (!json_object_object_get_ex(line, "return", &answer))
        return;
    if (json_object_object_get_ex(line, "id", &id)) {
        guint64 which = (guint64)json_object_get_int64(id);

        if (which < G_N_ELEMENTS(devices) && json_object_is_type(answer, json_type_array))
            take_properties(host, devices[which], answer);
    } else if (json_object_is_type(answer, json_type_object)) {
        take_version(host, answer);
    }
}

gboolean
host_ask_qemu(ViommuHost *host, const char *program, GError **error)
{
    g_auto(Fd) errors = memfd_create("qemu-errors", MFD_CLOEXEC);
    g_autoptr(GString) answers = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    if (!ask(program, errors, answers, error))
        return FALSE;
    lines = g_strsplit(answers->str, "\n", -1);
    g_ptr_array_set_size(host->qemu_devices, 0);
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(BaseJson) line = json_tokener_parse(lines[i]);

        if (line)
            take_answer(host, line);
    }
    if (host->qemu_devices->len == 0) {
        g_autofree char *why = complaint(errors);

        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                    "%s: answers nothing about its devices%s", program, why);
        return FALSE;
    }
    host->qemu_devices_state = BASE_STATE_KNOWN;
    return TRUE;
}
