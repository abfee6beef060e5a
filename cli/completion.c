/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl completion: scripts that let a shell complete trunkctl's command lines.  They know
 * nothing of commands: at each TAB they ask `trunkctl completion words`, whose answers come from
 * the command table.  A word that ends in = : or , wants more behind it and gets no space.
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/complete_names.h"

/*
 * Bash breaks words at = and : too, and replaces only what is behind the last of these: that is
 * what it gets.
 */
static const char bash_script[] =
    "# bash completion for trunkctl; made by: trunkctl completion bash\n"
    "_trunkctl() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} breaks=${COMP_WORDBREAKS//[!=:]/}\n"
    "    local word head= words lines\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
    "    word=${words[-1]}\n"
    "    [[ $breaks && $word == *[$breaks]* ]] && head=${word%\"${word##*[$breaks]}\"}\n"
    "    mapfile -t lines < <(command trunkctl completion words -- \"${words[@]:1}\" "
    "2>/dev/null)\n"
    "    COMPREPLY=()\n"
    "    for line in \"${lines[@]}\"; do\n"
    "        if [[ $line == files ]]; then\n"
    "            compopt -o filenames\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"${word#--*=}\")\n"
    "        else\n"
    "            line=${line%%$'\\t'*}\n"
    "            COMPREPLY+=(\"${line#\"$head\"}\")\n"
    "        fi\n"
    "    done\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && $line == *[=:,] ]] && compopt -o nospace\n"
    "    return 0\n"
    "}\n"
    "complete -o nosort -F _trunkctl trunkctl\n";

/* Zsh loads the file by itself where it is installed, and is told of it where it is sourced. */
static const char zsh_script[] =
    "#compdef trunkctl\n"
    "# zsh completion for trunkctl; made by: trunkctl completion zsh\n"
    "_trunkctl() {\n"
    "    local -a lines closed open\n"
    "    local line word\n"
    "    lines=(\"${(@f)$(command trunkctl completion words -- "
    "\"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\" 2>/dev/null)}\")\n"
    "    for line in $lines; do\n"
    "        if [[ $line == files ]]; then\n"
    "            compset -P '--*='\n"
    "            _files\n"
    "            return\n"
    "        fi\n"
    "        word=${line%%$'\\t'*}\n"
    "        line=${word//:/\\\\:}:${line#*$'\\t'}\n"
    "        if [[ $word == *[=:,] ]]; then open+=(\"$line\"); else closed+=(\"$line\"); fi\n"
    "    done\n"
    "    _describe -V trunkctl closed -- open -S ''\n"
    "}\n"
    "if [[ ${funcstack[1]} == _trunkctl ]]; then\n"
    "    _trunkctl \"$@\"\n"
    "else\n"
    "    compdef _trunkctl trunkctl\n"
    "fi\n";

/* Fish takes the answers as they are; of itself it puts no space behind = : and , */
static const char fish_script[] =
    "# fish completion for trunkctl; made by: trunkctl completion fish\n"
    "function __trunkctl_words\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    set -l lines (command trunkctl completion words -- $words[2..] \"$word\" "
    "2>/dev/null)\n"
    "    if test \"$lines\" = files\n"
    "        __fish_complete_path (string replace -r '^--[a-z-]*=' '' -- \"$word\")\n"
    "    else\n"
    "        printf '%s\\n' $lines\n"
    "    end\n"
    "end\n"
    "complete -c trunkctl -f -k -a '(__trunkctl_words)'\n";

static const struct {
	const char *shell, *text;
} scripts[] = {
    {"bash", bash_script},
    {"zsh", zsh_script},
    {"fish", fish_script},
};

int completion_script(struct session *session, const struct invocation *invocation)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (strcmp(scripts[i].shell, invocation->command->verb) == 0)
			fputs(scripts[i].text, session->out);
	return EXIT_DONE;
}

int completion_words(struct session *session, const struct invocation *invocation)
{
	complete_line(&trunkctl_commands, invocation->rest_count, invocation->rest, complete_names,
	    session->out);
	return EXIT_DONE;
}
