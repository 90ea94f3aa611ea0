/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill -9 of the hook, its worker or both, before and after each system call of a prepare and of a
 * release (ptrace). Afterwards the ledger is readable, holds the old state or the new, its lock is
 * free, and it is what runs once it has been repaired.
 *
 * usage: kill-points HOOK SOURCE-ROOT
 */
#include <viommu/viommu.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID "00000000-0000-0000-0000-000000000001"
#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_EXITKILL)
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define MOST_POINTS  20000 /* a hook that makes more calls than that does not end */

typedef enum {
    KILL_ALL,
    KILL_ONE, /* whoever is at the call: the other goes on */
} Way;

typedef struct {
    const char *name, *operation;
    guint before, after; /* devices held */
} Case;

static const Case cases[] = {
    {"prepare", "prepare", 0, 2},
    {"prepare again", "prepare", 1, 2},
    {"release", "release", 2, 0},
};

typedef struct {
    const char *hook;
    char *directory, *ledger, *xml[3]; /* of 0, 1 and 2 devices */
    ViommuHost *host;
} Test;

static char *
domain_xml(guint devices)
{
    static const char device[] =
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' "
        "bus='0x%s' slot='0' function='0'/></source></hostdev>";
    g_autofree char *first = devices > 0 ? g_strdup_printf(device, "65") : g_strdup("");
    g_autofree char *second = devices > 1 ? g_strdup_printf(device, "17") : g_strdup("");

    return g_strconcat("<domain type='kvm'><name>vm</name><uuid>" UUID "</uuid><memory unit='GiB'>"
                       "4</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type>"
                       "</os><devices>",
                       first, second, "</devices></domain>", NULL);
}

/* Starts the hook stopped at its first call. */
static pid_t
start_hook(const Test *test, const Case *one)
{
    guint document = MAX(one->before, one->after);
    g_autofree char *path = g_strdup_printf("%s/%u.xml", test->directory, document);
    pid_t pid = fork();
    int in, null;

    if (pid != 0)
        return pid;
    in = open(path, O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    dup2(in, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    close_range(3, ~0U, 0);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    execl(test->hook, test->hook, "vm", one->operation, "begin", "-", NULL);
    _exit(78);
}

/* Runs the hook until call stop number @at, and kills there. Returns whether it came that far;
 * *ret_code: of the hook where it was not killed itself, else -1. */
static gboolean
run_until(const Test *test, const Case *one, Way way, guint at, int *ret_code)
{
    pid_t hook = start_hook(test, one), pid;
    gboolean killed = FALSE;
    guint stops = 0;
    int status;

    *ret_code = -1;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        int signal_number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

        if (!WIFSTOPPED(status)) {
            if (pid == hook && WIFEXITED(status))
                *ret_code = WEXITSTATUS(status);
            continue;
        }
        if (stops == 0)
            ptrace(PTRACE_SETOPTIONS, hook, NULL, OPTIONS);
        stops++;
        if (!killed && stops == at) {
            killed = TRUE;
            kill(pid, SIGKILL);
            if (way == KILL_ALL) /* a worker in the middle of other things dies with the hook */
                kill(hook, SIGKILL);
            continue;
        }
        if (signal_number == SYSCALL_STOP || signal_number == SIGTRAP || signal_number == SIGSTOP)
            signal_number = 0;
        ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(gintptr)signal_number);
    }
    return killed;
}

static ViommuDomain *
domain_of(const Test *test, guint devices)
{
    return viommu_domain_new_from_data(test->xml[devices], -1, "vm.xml", NULL);
}

static void
clear(const Test *test)
{
    const char *const argv[] = {"rm", "-rf", test->ledger, NULL};

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
}

static void
set_state(const Test *test, guint devices)
{
    g_autoptr(ViommuLedger) ledger = viommu_ledger_new(test->ledger, NULL);
    g_autoptr(ViommuDomain) domain = domain_of(test, devices);

    clear(test);
    if (devices == 0)
        return;
    g_assert_true(viommu_ledger_begin(ledger, domain, 0, NULL));
    g_assert_true(viommu_ledger_reserve(ledger, test->host, domain, NULL, NULL, NULL));
}

/* Whether the ledger is what it must be while the domain holds @devices */
static gboolean
holds(const Test *test, ViommuLedger *ledger, guint devices)
{
    g_autoptr(ViommuDomain) domain = domain_of(test, devices);
    g_auto(GStrv) problems = NULL;

    g_assert_true(viommu_ledger_load(ledger, NULL));
    problems = viommu_ledger_list_problems(ledger);
    g_assert_cmpuint(g_strv_length(problems), ==, 0);
    viommu_ledger_expect(ledger, test->host, domain, NULL);
    return viommu_ledger_count_differences(ledger) == 0;
}

static void
check_state(const Test *test, const Case *one)
{
    g_autoptr(ViommuLedger) ledger = viommu_ledger_new(test->ledger, NULL);
    g_autoptr(ViommuDomain) domain = domain_of(test, one->after);
    g_autoptr(GError) error = NULL;

    g_assert_true(holds(test, ledger, one->before) || holds(test, ledger, one->after));
    /* nobody keeps the lock */
    g_assert_true(viommu_ledger_begin(ledger, domain, 0, &error));
    g_assert_no_error(error);
    viommu_ledger_end(ledger);
    /* whatever was left: repaired it is what runs */
    if (!holds(test, ledger, one->after))
        g_assert_true(viommu_ledger_repair(ledger, 0, NULL));
    g_assert_true(holds(test, ledger, one->after));
}

static guint
kill_everywhere(const Test *test, const Case *one, Way way)
{
    gboolean killed = TRUE;
    guint points = 0;

    for (guint at = 1; killed && at < MOST_POINTS; at++) {
        int code = -1;

        set_state(test, one->before);
        killed = run_until(test, one, way, at, &code);
        points += killed;
        /* a start goes on, whoever died in it */
        g_assert_true(code == 0 || (killed && code == -1));
        check_state(test, one);
    }
    g_assert_false(killed);
    return points;
}

static void
set_up(Test *test, const char *hook, const char *source)
{
    g_autofree char *facts = g_build_filename(source, "tests/host/xeon.json", NULL);
    g_autofree char *profiles = g_build_filename(source, "policy/profiles", NULL);
    g_autofree char *run = NULL, *log = NULL;

    test->hook = hook;
    test->directory = g_dir_make_tmp("viommu-kill-XXXXXX", NULL);
    run = g_build_filename(test->directory, "run", NULL);
    log = g_build_filename(test->directory, "log", NULL);
    test->ledger = g_build_filename(run, "ledger", NULL);
    test->host = viommu_host_new_from_file(facts, NULL);
    g_assert_nonnull(test->host);
    for (guint i = 0; i < G_N_ELEMENTS(test->xml); i++) {
        g_autofree char *path = g_strdup_printf("%s/%u.xml", test->directory, i);

        test->xml[i] = domain_xml(i);
        g_assert_true(g_file_set_contents(path, test->xml[i], -1, NULL));
    }
    g_setenv("VIRT_VIOMMU_HOST", facts, TRUE);
    g_setenv("VIRT_VIOMMU_PROFILES", profiles, TRUE);
    g_setenv("VIRT_VIOMMU_CONFDIR", test->directory, TRUE);
    g_setenv("VIRT_VIOMMU_RUNDIR", run, TRUE);
    g_setenv("VIRT_VIOMMU_LOG", log, TRUE);
}

static void
tear_down(Test *test)
{
    const char *const argv[] = {"rm", "-rf", test->directory, NULL};

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    viommu_host_unref(test->host);
    for (guint i = 0; i < G_N_ELEMENTS(test->xml); i++)
        g_free(test->xml[i]);
    g_free(test->ledger);
    g_free(test->directory);
}

int
main(int argc, char **argv)
{
    static const char *const ways[] = {[KILL_ALL] = "hook and worker", [KILL_ONE] = "either alone"};
    Test test = {0};
    int code = 0;

    g_assert_cmpint(argc, ==, 3);
    set_up(&test, argv[1], argv[2]);
    if (!run_until(&test, &cases[0], KILL_ALL, 1, &code) && code == 77) {
        puts("1..0 # SKIP needs ptrace");
        tear_down(&test);
        return 0;
    }
    printf("1..%zu\n", G_N_ELEMENTS(cases) * G_N_ELEMENTS(ways));
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (Way way = KILL_ALL; way <= KILL_ONE; way++) {
            guint points = kill_everywhere(&test, &cases[i], way);

            printf("%s %u - %s: %s killed at %u points\n", points > 100 ? "ok" : "not ok",
                   i * 2 + way + 1, cases[i].name, ways[way], points);
            fflush(stdout);
        }
    }
    tear_down(&test);
    return 0;
}
