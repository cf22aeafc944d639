/* Does nothing and succeeds: what the fork+exec rows run. */

int main(void)
{
    return 0;
}
