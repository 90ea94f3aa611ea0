/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook-journal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define IDENTIFIER     "virt-viommu-hook"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define DAEMON         (3 << 3) /* LOG_DAEMON */

/* FALSE: nobody listens there, or not now */
static gboolean
send_to(const char *path, const char *text, gsize length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    gboolean sent;

    if (fd < 0)
        return FALSE;
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    sent = sendto(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
                  sizeof address) == (gssize)length;
    close(fd);
    return sent;
}

/* For machines without a journal, and for tests. */
static void
append_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    g_autofree char *line = g_strconcat(text, "\n", NULL);

    if (fd < 0)
        return;
    if (write(fd, line, strlen(line)) < 0) {
        /* nobody is left to tell */
    }
    close(fd);
}

static void
add_field(GString *entry, const char *name, const char *value)
{
    if (value)
        g_string_append_printf(entry, "%s=%s\n", name, value);
}

/* A value of one line; whatever the domain's name holds, it opens no field of its own. */
static char *
one_line(const char *text)
{
    char *line = g_utf8_make_valid(text ? text : "", -1);

    for (char *c = line; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    return line;
}

void
hook_journal(const HookCall *call, HookPriority priority, const char *rule, const char *device,
             const char *format, ...)
{
    const char *file = g_getenv("VIRT_VIOMMU_LOG");
    g_autoptr(GString) entry = g_string_new("SYSLOG_IDENTIFIER=" IDENTIFIER "\n");
    g_autofree char *raw = NULL, *message = NULL, *domain = one_line(call->domain);
    g_autofree char *operation = one_line(call->name), *syslog = NULL, *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    raw = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    line = one_line(raw);
    message = g_strdup_printf("%s: %s: %s", domain, operation, line);
    if (file && *file) {
        g_autofree char *text = g_strdup_printf("<%d>%s", (int)priority, message);

        append_to(file, text);
        return;
    }
    g_string_append_printf(entry, "PRIORITY=%d\n", (int)priority);
    add_field(entry, "MESSAGE", message);
    add_field(entry, "VIOMMU_DOMAIN", domain);
    add_field(entry, "VIOMMU_OPERATION", operation);
    add_field(entry, "VIOMMU_RULE", rule);
    add_field(entry, "VIOMMU_DEVICE", device);
    if (send_to(JOURNAL_SOCKET, entry->str, entry->len))
        return;
    syslog = g_strdup_printf("<%d>%s[%d]: %s", DAEMON | (int)priority, IDENTIFIER, (int)getpid(),
                             message);
    send_to(SYSLOG_SOCKET, syslog, strlen(syslog));
}
