#include "cli/cli.h"

#include <stddef.h>

extern const struct command command_doctor, command_profile, command_measure, command_sensors, command_analyze, command_compare,
    command_list, command_model, command_score, command_reattribute, command_calibrate, command_version, command_help;

const struct command *const commands[] = {
    &command_doctor, &command_profile, &command_measure,     &command_sensors,   &command_analyze, &command_compare, &command_list,
    &command_model,  &command_score,   &command_reattribute, &command_calibrate, &command_version, &command_help,    NULL,
};
