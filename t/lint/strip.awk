# C without comments and without the text of strings and character constants.
# Lines keep their numbers: "<file>:<line>:<code>".
{
    if (FNR == 1)
        in_comment = 0
    out = ""
    n = length($0)
    for (i = 1; i <= n; i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (in_comment) {
            if (two == "*/") {
                in_comment = 0
                i++
            }
        } else if (two == "/*") {
            in_comment = 1
            i++
            out = out " "
        } else if (two == "//") {
            break
        } else if (c == "\"" || c == "'") {
            for (i++; i <= n && substr($0, i, 1) != c; i++)
                if (substr($0, i, 1) == "\\")
                    i++
            out = out c c
        } else {
            out = out c
        }
    }
    if (out !~ /^[ \t]*$/)
        print FILENAME ":" FNR ":" out
}
