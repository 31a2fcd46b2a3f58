/*
 * jeprobe: where a program's memory is. Everything is in the command table.
 */
#include "base/macros.h"

#include "cli/cmd.h"

#include <locale.h>

int
main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    return cmd_dispatch(argc, argv);
}
