#include "engine/argmax.h"

#include <stdint.h>

/* 16 independent lanes per block let the compiler use vector
 * instructions: a plain loop costs 2 % of a token on a vocabulary of 262 k. */
int engine_argmax(const float *x, int n)
{
    enum { LANES = 16, BLOCK = 4096 };
    int best = 0;
    for (int from = 0; from < n; from += BLOCK) {
        int len = n - from < BLOCK ? n - from : BLOCK, whole = len / LANES * LANES;
        float lane[LANES], top = x[best];
        for (int j = 0; j < LANES; j++)
            lane[j] = top;
        for (int i = 0; i < whole; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] = x[from + i + j] > lane[j] ? x[from + i + j] : lane[j];
        for (int j = 0; j < LANES; j++)
            top = lane[j] > top ? lane[j] : top;
        for (int i = whole; i < len; i++)
            top = x[from + i] > top ? x[from + i] : top;
        if (top > x[best])
            for (best = from; x[best] < top;)
                best++;
    }
    return best;
}

/* e^x of x up to 0, 0 below -87: 2^n times a polynomial of what is left. */
static inline float exp_of(float x)
{
    x = x < -87 ? -87 : x;
    float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f; /* rounded */
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1 + r * (1 + r * (0.5f + r * (1.6666667e-1f + r * (4.1666579e-2f + r * (8.3333310e-3f + r * 1.3981999e-3f)))));
    union {
        int32_t i;
        float f;
    } scale = {((int32_t)n + 127) * (1 << 23)};
    return x > -87 ? p * scale.f : 0;
}

double engine_sum_exp(const float *x, int n, float top)
{
    enum { LANES = 16, BLOCK = 1024 };
    double sum = 0;
    for (int from = 0; from < n; from += BLOCK) {
        int len = n - from < BLOCK ? n - from : BLOCK, whole = len / LANES * LANES;
        float lane[LANES] = {0};
        for (int i = 0; i < whole; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += exp_of(x[from + i + j] - top);
        for (int j = 0; j < LANES; j++)
            sum += lane[j];
        for (int i = whole; i < len; i++)
            sum += exp_of(x[from + i] - top);
    }
    return sum;
}
