#include "cli/cli.h"

#include <stddef.h>

extern const struct command command_doctor, command_profile, command_measure, command_sensors, command_selftest,
    command_analyze, command_compare, command_judge, command_list, command_model, command_dataset, command_servers, command_study,
    command_score, command_reattribute, command_calibrate, command_version, command_help;

/* Those of one group stand together. */
const struct command *const commands[] = {
    &command_doctor, &command_profile, &command_measure, &command_sensors,
    &command_selftest,
    &command_analyze, &command_compare, &command_judge, &command_list,
    &command_model, &command_dataset, &command_servers, &command_study,
    &command_score, &command_reattribute, &command_calibrate,
    &command_version, &command_help, NULL,
};
