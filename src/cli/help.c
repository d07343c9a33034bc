#include <string.h>

#include "cli/cli.h"

extern const struct command command_help;

static const char head[] = "ipw - how much right answering a machine delivers per watt and per joule\n"
                           "\n"
                           "  ipw doctor                              what can be measured on this machine\n"
                           "  ipw profile -m qwen3-4b.gguf            ask it questions, meter the answers\n"
                           "  ipw analyze                             the figures of the newest run\n"
                           "\n"
                           "usage: ipw COMMAND [options]              help: ipw help COMMAND\n";
static const char tail[] =
    "\n"
    "Results go to stdout, talk to stderr. Exit 0 ok, 1 some items failed, 2 usage,\n"
    "3 nothing to measure with, 4 bug. In a container every command takes --sysfs\n"
    "DIR, where the host's /sys is mounted. ipw sends nothing anywhere by itself.\n"
    "This is not the Python ipw of arXiv 2511.07885; it writes its result keys.\n";

int cli_help_subs(const struct command *cmd)
{
    struct ipw_buf out = IPW_BUF_INIT;
    ipw_buf_addf(&out, "%s: %s\n\nusage: %s\n\n", cmd->name, cmd->summary, cmd->usage);
    for (size_t i = 0; cmd->subs[i]; i++)
        ipw_buf_addf(&out, "  %-13s%s\n", cmd->subs[i]->name, cmd->subs[i]->summary);
    ipw_buf_addf(&out, "\nipw help %s COMMAND tells the options of each.\n", cmd->name);
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

static int help(struct cli *cli, int argc, char **argv)
{
    if (argc > 0) {
        char *ask[] = {argc > 1 ? argv[1] : (char[]){"--help"}, (char[]){"--help"}};
        for (size_t i = 0; commands[i]; i++)
            if (!strcmp(commands[i]->name, argv[0]) && commands[i] != &command_help)
                return cli_run(commands[i], cli, commands[i]->subs && argc > 1 ? 2 : 1, commands[i]->subs ? ask : ask + 1);
        return cli_unknown_command(commands, "ipw", argv[0]);
    }
    struct ipw_buf out = IPW_BUF_INIT;
    const char *group = "";
    ipw_buf_adds(&out, head);
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        if (!c->group)
            continue;
        if (strcmp(group, c->group) != 0)
            ipw_buf_addf(&out, "\n%s\n", c->group);
        group = c->group;
        ipw_buf_addf(&out, "  %-13s%s\n", c->name, c->summary);
    }
    ipw_buf_adds(&out, tail);
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

const struct command command_help = {.name = "help", .usage = "ipw help [COMMAND]", .run = help};
