# Types each argument behind the first into an interactive zsh that has sourced the file of the first, presses Tab, and prints the
# command line that then stands there.
zmodload zsh/zpty
zpty -b inner 'TERM=dumb zsh -f -i'
zpty -w inner 'PS1= RPS1=; unsetopt prompt_sp prompt_cr; source '$1'; show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^X" show; print READY'
read-until() {
  local seen= part=
  repeat 1000 { zpty -r inner part && seen+=$part; [[ $seen == *$~1 ]] && break; sleep 0.01 }
  print -r -- $seen
}
read-until $'*\nREADY*' > /dev/null
for line in "${@:2}"; do
  zpty -wn inner "$line"$'\t\x18'
  seen=$(read-until '*<*>*')
  print -r -- "${${seen##*<}%%>*}"
done
zpty -d inner
