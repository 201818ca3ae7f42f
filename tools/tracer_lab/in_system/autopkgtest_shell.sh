# shellcheck shell=sh
# Read by the shell of autopkgtest.service, which autopkgtest of bookworm (5.28) types into. It asks
# for python3 with "type", then waits for a prompt that has come with the answer, if the host was
# too busy to read them one by one. What looks to it like the prompt comes with the answer, always.
type() {
	printf '\n# \n'
	command -V "$1"
}
