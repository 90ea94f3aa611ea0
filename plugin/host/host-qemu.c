/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks an installed QEMU over QMP which properties its devices have: names change between
 * releases (intel-iommu's x-flts became fsts). Starts a machine of none, which opens nothing.
 * Only for people who ask for it: never on the way of a check.
 */
#include "host-read.h"

#include "base-text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
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

/* Until the end of the stream, the limit of time or of size. FALSE: a limit. */
static gboolean
read_answers(int fd, GString *out)
{
    gint64 deadline = g_get_monotonic_time() + TIME_LIMIT_US;

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

static gboolean
write_all(int fd, const char *text)
{
    gsize length = strlen(text);

    while (length > 0) {
        gssize put = write(fd, text, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return FALSE;
        text += put;
        length -= (gsize)put;
    }
    return TRUE;
}

/* (transfer full): what QEMU answered, line by line; NULL with @error set */
static char *
ask(const char *program, GError **error)
{
    const char *argv[] = {program, "-M",   "none",  "-nodefaults", "-display",
                          "none",  "-qmp", "stdio", NULL};
    g_autofree char *questions = make_questions();
    g_autoptr(GString) answers = g_string_new(NULL);
    gboolean fine;
    int in = -1, out = -1;
    GPid pid;

    if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL,
                                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                      G_SPAWN_STDERR_TO_DEV_NULL,
                                  NULL, NULL, &pid, &in, &out, NULL, error))
        return NULL;
    fine = write_all(in, questions) && read_answers(out, answers);
    (void)close(in);
    (void)close(out);
    if (!fine)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    g_spawn_close_pid(pid);
    if (fine)
        return g_string_free(g_steal_pointer(&answers), FALSE);
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                "%s: no answer over QMP within %d s: is it a QEMU system emulator?", program,
                (int)(TIME_LIMIT_US / G_USEC_PER_SEC));
    return NULL;
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
    g_autofree char *answers = ask(program, error);
    g_auto(GStrv) lines = answers ? g_strsplit(answers, "\n", -1) : NULL;

    if (!lines)
        return FALSE;
    g_ptr_array_set_size(host->qemu_devices, 0);
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(BaseJson) line = json_tokener_parse(lines[i]);

        if (line)
            take_answer(host, line);
    }
    if (host->qemu_devices->len == 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                    "%s: answers nothing about its devices", program);
        return FALSE;
    }
    host->qemu_devices_state = BASE_STATE_KNOWN;
    return TRUE;
}
