#!/bin/sh
# Help, version, and what a mistyped command line is answered.
. "${0%/*}/../lib.sh"

run "$jeprobe" --version
is "--version ends with 0" $status 0
like "--version prints name and version" "$out" \
    '^jeprobe [0-9]+\.[0-9]+\.[0-9]+$'

run "$jeprobe" --help
is "--help ends with 0" $status 0
like "--help lists run" "$out" '^  run  '
is "--help says nothing on stderr" "$(cat "$err")" ""
cp "$out" help
for form in -h help; do
    run "$jeprobe" $form
    ok "$form prints the same" cmp -s "$out" help
done

for command in $(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' help); do
    [ "$command" = help ] && continue
    run "$jeprobe" "$command" --help
    is "$command --help ends with 0" $status 0
    like "$command --help shows the usage" "$out" "^usage: jeprobe $command "
    cp "$out" help1
    run "$jeprobe" help "$command"
    ok "help $command prints the same" cmp -s "$out" help1
    is "$command's help is 80 columns wide" "$(awk 'length > 80' "$out")" ""
    run "$jeprobe" "$command" --version
    like "$command --version works" "$out" '^jeprobe [0-9]'
done

run "$jeprobe"
is "without a command: usage error" $status 2
like "and a hint" "$err" "^jeprobe: try 'jeprobe --help'\$"
is "and nothing on stdout" "$(cat "$out")" ""

run "$jeprobe" rnu
is "unknown command: usage error" $status 2
like "the nearest name is offered" "$err" "did you mean 'run'\\?"
run "$jeprobe" xyzzy
unlike "a far name is not" "$err" "did you mean"
run "$jeprobe" help rnu
is "help on an unknown command: usage error" $status 2
run "$jeprobe" help run run
is "help on two commands: usage error" $status 2
run "$jeprobe" --frobnicate
is "unknown option before a command: usage error" $status 2

run "$jeprobe" run --ouput x -- true
is "run's usage errors are 125" $status 125
like "the nearest option is offered" "$err" "did you mean '--output'\\?"
run "$jeprobe" run --no --bogus true
like "a prefix that is unique is taken" "$err" "'--bogus'"
run "$jeprobe" run --s 4 true
like "one that is not, is refused" "$err" "short for several"
run "$jeprobe" run -o
like "a missing argument is named" "$err" \
    "--output: its argument is missing: FILE"
run "$jeprobe" run --follow=yes true
like "an argument too many as well" "$err" "takes no argument"
run "$jeprobe" run
like "a missing program as well" "$err" "program to run is missing"

esc=$(printf '\033')
run "$jeprobe" "a${esc}[31mb"
like "control characters are escaped" "$err" 'a\\x1b\[31mb'
unlike "and do not get through" "$err" "$esc"

done_testing
