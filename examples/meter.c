/* Joules of a piece of work:  cc meter.c $(pkg-config --cflags --libs ipw) -o meter && ./meter */
#include <ipw.h>
#include <stdio.h>

int main(void)
{
    ipw_meter *meter;
    ipw_window *window;
    struct ipw_energy e;
    char error[1000];
    if (ipw_meter_open(&meter, NULL, error, sizeof error))
        return fprintf(stderr, "%s\n", error), 1;
    ipw_window_begin(meter, "a sum", &window);
    volatile double sum = 0;
    for (long i = 1; i < 300000000; i++)
        sum += 1.0 / (double)i;
    ipw_window_end(window);
    ipw_window_energy(window, IPW_TOTAL_COMPONENT, &e);
    printf("%s: %.3f J +- %.3f in %.3f s, %s, %s\n", ipw_window_name(window), e.joules, e.uncertainty_j, e.seconds,
           e.status, ipw_meter_signature(meter));
    ipw_window_free(window);
    return ipw_meter_close(meter);
}
