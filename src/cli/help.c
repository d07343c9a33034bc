/* ipw help: of all commands, of one, as a man page; and what a shell needs to complete them. */
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/manual.h"
#include "cli/terminal.h"
#include "report/report.h"

extern const struct command command_help;

static const struct {
    const char *command, *what;
} first[] = {{"ipw doctor", "what can be measured on this machine"},
             {"ipw profile -m qwen3-4b.gguf", "ask it questions, meter the answers"},
             {"ipw analyze", "the figures of the newest run"}};
static const char tail[] =
    "Results go to stdout, talk to stderr. Exit 0 ok, 1 some items failed, 2 usage, 3 nothing to measure with, 4 bug. In a "
    "container every command takes --sysfs DIR, the host's /sys. ipw sends nothing anywhere by itself.\n"
    "This is not the Python ipw of arXiv 2511.07885; it writes its result keys.";

enum { NAMES = 15, COMMANDS = 42 }; /* columns where the text beside begins */

int cli_help_subs(const struct command *cmd)
{
    struct ipw_buf out = IPW_BUF_INIT;
    char more[96];
    int columns = terminal_text(STDOUT_FILENO);
    manual_text(cmd, NULL, 0, columns, &out);
    ipw_buf_addc(&out, '\n');
    for (size_t i = 0; cmd->subs[i]; i++)
        manual_row(cmd->subs[i]->name, NAMES, cmd->subs[i]->summary, columns, &out);
    snprintf(more, sizeof more, "ipw help %s COMMAND tells the options of each.", cmd->name);
    ipw_buf_addc(&out, '\n');
    report_fold(more, columns, 0, 0, &out);
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

static const struct command *find(const struct command *const *list, const char *name)
{
    for (size_t i = 0; list[i]; i++)
        if (!strcmp(list[i]->name, name))
            return list[i];
    return NULL;
}

static int all(void)
{
    struct ipw_buf out = IPW_BUF_INIT;
    const char *group = "";
    int columns = terminal_text(STDOUT_FILENO);
    char title[128];
    snprintf(title, sizeof title, "ipw - %s", manual_summary);
    report_fold(title, columns, 0, 2, &out);
    ipw_buf_addc(&out, '\n');
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        manual_row(first[i].command, COMMANDS, first[i].what, columns, &out);
    ipw_buf_addc(&out, '\n');
    ipw_buf_addf(&out, columns < 66 ? "%s\n%s\n" : "%-42s%s\n", "usage: ipw COMMAND [options]", "help: ipw help COMMAND");
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        if (!c->group)
            continue;
        if (strcmp(group, c->group) != 0)
            ipw_buf_addf(&out, "\n%s\n", c->group);
        group = c->group;
        manual_row(c->name, NAMES, c->summary, columns, &out);
    }
    ipw_buf_addc(&out, '\n');
    report_fold(tail, columns, 0, 0, &out);
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

static int one(struct cli *cli, const char *const *name, size_t n)
{
    const struct command *cmd = find(commands, name[0]);
    if (!cmd)
        return cli_unknown_command(commands, "ipw", name[0]);
    if (!cmd->subs || n == 1)
        return cli_run(cmd, cli, 1, (char *[]){(char[]){"--help"}, NULL});
    const struct command *sub = find(cmd->subs, name[1]);
    char within[64];
    snprintf(within, sizeof within, "ipw %s", cmd->name);
    return sub ? cli_run(sub, cli, 1, (char *[]){(char[]){"--help"}, NULL}) : cli_unknown_command(cmd->subs, within, name[1]);
}

/* ---- man pages ---- */

static int print(void (*part)(const struct command *, struct ipw_buf *), const struct command *cmd)
{
    struct ipw_buf out = IPW_BUF_INIT;
    part(cmd, &out);
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

static void program(const struct command *cmd, struct ipw_buf *out)
{
    (void)cmd;
    manual_program(out);
}

static int man(struct cli *cli, const char *name)
{
    const struct command *cmd = name ? find(commands, name) : NULL;
    if (!name)
        return print(program, NULL);
    if (!cmd)
        return cli_unknown_command(commands, "ipw", name);
    if (!cmd->subs)
        return cli_run(cmd, cli, 1, (char *[]){(char[]){"--help=page"}, NULL});
    int rc = print(manual_head, cmd);
    if (!rc)
        rc = cli_print(".SH COMMANDS\n", strlen(".SH COMMANDS\n"));
    for (size_t i = 0; cmd->subs[i] && !rc; i++)
        rc = cli_run(cmd->subs[i], cli, 1, (char *[]){(char[]){"--help=part"}, NULL});
    return rc ? rc : print(manual_tail, cmd);
}

/* ---- completion ---- */

#define SHELL(name)                                                                                                    \
    extern const unsigned char ipw_embed_completion_##name[];                                                          \
    extern const size_t ipw_embed_completion_##name##_len;
SHELL(bash)
SHELL(zsh)
SHELL(fish)

static int completion(const char *name)
{
    static const struct {
        const char *name;
        const unsigned char *script;
        const size_t *len;
    } shells[] = {{"bash", ipw_embed_completion_bash, &ipw_embed_completion_bash_len},
                  {"zsh", ipw_embed_completion_zsh, &ipw_embed_completion_zsh_len},
                  {"fish", ipw_embed_completion_fish, &ipw_embed_completion_fish_len}};
    struct ipw_err err;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (!strcmp(shells[i].name, name))
            return cli_print((const char *)shells[i].script, *shells[i].len);
    ipw_err_set(&err, IPW_E_USAGE, "no completion for shell '%s'; there is bash, zsh and fish", name);
    return cli_fail(&err);
}

static int list_words(const struct command *const *list, bool program_options)
{
    struct ipw_buf out = IPW_BUF_INIT;
    size_t n;
    const struct option *common = manual_common(&n);
    for (size_t i = 0; !program_options && list[i]; i++)
        if (list[i]->summary)
            ipw_buf_addf(&out, "%s\t%s\n", list[i]->name, list[i]->summary);
    for (size_t i = 0; program_options && i < n; i++)
        ipw_buf_addf(&out, "--%s\t%s\n", common[i].name, common[i].help);
    if (program_options)
        ipw_buf_adds(&out, "--version\tthis program's version\n");
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

/* word[0..n) is what stands after "ipw", up to the cursor; the last one may be empty or half written. */
static int words(struct cli *cli, const char *const *word, size_t n)
{
    const char *cursor = n ? word[n - 1] : "", *before = n > 1 ? word[n - 2] : "";
    if (!strcmp(cursor, "=")) /* bash cuts words at '=' */
        cursor = "";
    else if (!strcmp(before, "=") && n > 2)
        before = word[n - 3];
    const struct command *const *list = commands;
    const struct command *cmd = NULL;
    for (size_t i = 0; i + 1 < n; i++) {
        if (!strcmp(word[i], "--")) /* of ipw measure: a command and what it takes */
            return i + 2 == n ? cli_print(":commands\n", 10) : cli_print(":files\n", 7);
        if (!strcmp(word[i], "--sysfs"))
            i++;
        else if (list && *word[i] != '-') {
            if (!(cmd = find(list, word[i])))
                return 0;
            list = cmd == &command_help ? commands : cmd->subs;
        }
    }
    if (list && strcmp(before, "--sysfs") != 0 && (*cursor != '-' || !cmd))
        return list_words(list, !cmd && *cursor == '-');
    char *ask[] = {(char[]){"--help=words"}, ipw_strdup(before), ipw_strdup(cursor), NULL};
    int rc = cli_run(cmd && !cmd->subs ? cmd : &command_help, cli, 3, ask);
    free(ask[1]);
    free(ask[2]);
    return rc;
}

/* ---- the command ---- */

static int help(struct cli *cli, int argc, char **argv)
{
    bool page = false, ask_words = false;
    char *shell = NULL;
    struct option opt[] = {
        {"man", NULL, 0, OPTION_FLAG, &page, 0, 0, NULL, "as a man page (roff)", false},
        {"completion", NULL, 0, OPTION_TEXT, &shell, 0, 0, "SHELL", "script for bash, zsh or fish", false},
        {"words", NULL, 0, OPTION_FLAG, &ask_words, 0, 0, NULL, NULL, false}, /* asked by these scripts */
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n;
    int code;
    if (cli_options(&command_help, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n, &code))
        ;
    else if (ask_words)
        code = words(cli, rest, n);
    else if (shell)
        code = completion(shell);
    else if ((code = cli_extra(rest + 2, n > 2 ? n - 2 : 0)))
        ;
    else if (page)
        code = man(cli, n ? rest[0] : NULL);
    else
        code = n ? one(cli, rest, n) : all();
    free(shell);
    free(rest);
    return code;
}

const struct command command_help = {
    .name = "help",
    .summary = "what a command is for, its options and examples",
    .usage = "ipw help [COMMAND] [--man] [--completion SHELL]",
    .examples = "ipw help profile\n"
                "ipw help --man profile | man -l -\n"
                "eval \"$(ipw help --completion bash)\"      # in ~/.bashrc\n",
    .run = help,
};
