#include "dataset/dataset.h"

extern const struct dataset_ops dataset_starter, dataset_fixed_length;

const struct dataset_ops *const datasets[] = {
    &dataset_starter,
    &dataset_fixed_length,
    NULL,
};
