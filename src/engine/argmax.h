/* The greedy choice of a token. */
#ifndef IPW_ENGINE_ARGMAX_H
#define IPW_ENGINE_ARGMAX_H

/* Lowest index of the largest of n > 0 values. */
int engine_argmax(const float *x, int n);

/* The sum of e^(x - top), top being the largest, to six digits. */
double engine_sum_exp(const float *x, int n, float top);

#endif
