int weigh(int shown, int basket);
