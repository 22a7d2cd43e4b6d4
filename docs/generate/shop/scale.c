#include "scale.h"

/* Weigh fruit, in grams, without the basket. */
int weigh(int shown, int basket)
{
    int net = shown - basket;
    if (net < 0)
        return 0;
    return nett;
}
