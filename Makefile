# The programs, the site and their checks; "make help" says what can be made.
# Paths are relative, so that the folder may have blanks in its name.

CFLAGS   ?= -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
LDLIBS   ?= -pthread -lrt# not needed since glibc 2.34, and harmless there
PYTHON   ?= python3# makes build/venv; everything else runs in there
build    := build# for the programs; "make programs build=build/asan" keeps two sorts apart
port     := 8000# of "make serve"

sources  := $(wildcard code/*/*.c)
programs := $(sources:code/%.c=$(build)/%)
pages    := $(wildcard docs/*.rst docs/*/*.rst)
inputs   := $(sort $(wildcard build/machine/state.zst build/recording.cast) $(shell find code docs stage/guest/player -type f ! -name '.*' ! -name '*~' ! -name '\#*'))
told     := $(if $(wildcard build/machine/state.zst),$(wildcard build/machine/SOURCES stage/guest/*.py stage/guest/*.json stage/sandbox/*.py))# to the Linux in the page
made     := $(patsubst $(build)/.deps/%.d,$(build)/%,$(wildcard $(build)/.deps/*/*.d))
stale    := $(filter-out $(programs),$(made))# their sources are gone
venv     := build/venv/bin/python
measure  := env PYTHONPATH=.:tests:tests/site:tests/stage:tests/guest $(venv) tests/measure
# The caller's settings of these tools are not ours; of pip's, where packages come from is meant.
meant    := PYTHON $(addprefix PIP_,INDEX_URL EXTRA_INDEX_URL NO_INDEX FIND_LINKS TRUSTED_HOST CERT CLIENT_CERT PROXY TIMEOUT DEFAULT_TIMEOUT RETRIES CONFIG_FILE)
unexport $(filter-out $(meant),$(filter GIT_% PIP_% PYTHON% BASH% ENV SHELLOPTS CDPATH INPUTRC GREP_% LS_% TMUX%,$(.VARIABLES)))
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
# Programs beside the site; the site comes first, for it takes longest.
MAKEFLAGS += $(if $(filter-out all programs html,$(or $(MAKECMDGOALS),all)),,-j$(shell getconf _NPROCESSORS_ONLN))
refused := $(shell CC='$(CC)' PYTHON='$(PYTHON)' sh stage/doctor.sh refuse $(or $(MAKECMDGOALS),all))
$(if $(refused),$(error $(refused)))

.PHONY: all programs html epub pdf dist lighthouse bench check promote soak perform projector notes recording serve machines machine check-machine machine-sources exercise doctor clean-ipc format clean help prune FORCE
.SUFFIXES .DELETE_ON_ERROR:

all: programs ## the programs and the site (plain "make" does this)
html: ## the site: build/html/index.html
all html: build/html/.done
	@sh docs/build.sh address

programs: $(programs) $(if $(stale),prune) ## code/shm/030-x.c becomes build/shm/030-x

# Under another name until it is whole, and a name of its own for each make.
$(build)/%: code/%.c $(build)/.flags
	@mkdir -p $(@D) $(build)/.deps/$(*D)
	@echo '$(CC) $< -> $@'
	@new=$(build)/.deps/$*.$$$$; \
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MT $@ -MF $$new.dep -o $$new.bin $< $(LDFLAGS) $(LDLIBS) && \
	mv -f $$new.dep $(build)/.deps/$*.d && mv -f $$new.bin $@ || { rm -f $$new.*; exit 1; }

# What turns stops at lines: an optimizing compiler mixes or repeats them.
$(patsubst code/%.c,$(build)/%,$(shell grep -l '; // TURN$$' code/*/*.c)): CFLAGS += -O0

# What was made with other options is made again.
flags = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)
$(build)/.flags: FORCE
	@mkdir -p $(@D); echo '$(subst ','\'',$(flags))' | cmp -s - $@ || echo '$(subst ','\'',$(flags))' >$@

prune: ; rm -f $(stale) $(stale:$(build)/%=$(build)/.deps/%.d)

build/html/.done: $(inputs) build/.inputs conf.py $(wildcard stage/page/*.py) $(told) | build/venv/.done
	@sh docs/build.sh html
build/.inputs: FORCE
	@sh docs/build.sh inputs $(inputs)
build/venv/.done: FORCE
	@PYTHON='$(PYTHON)' sh docs/build.sh venv

epub: ## the site as a book: build/epub/ipc-course.epub
pdf: ## the site to print: build/pdf/ipc-course.pdf
dist: ## what a static host needs: build/dist/; SPHINXOPTS="-D html_baseurl=https://..."
epub pdf dist: build/html/.done
	@sh docs/build.sh $@
check: all ## plays all sessions of the pages, then runs the tests; ALL=1: the thorough ones, too
	@$(venv) -m stage check $(pages); held=$$?; $(venv) -m pytest --durations=10 $(if $(ALL),,-m 'not thorough') --ignore=tests/guest tests && [ $$held = 0 ] || { $(measure)/versions.py; exit 1; }
promote: programs build/venv/.done ## plays all sessions, and writes into the pages what came
	$(venv) -m stage promote $(pages)
exercise: programs ## compiles and plays exercises/110-....c for N=110; without N lists how far all are
	@'$(PYTHON)' -m stage exercise docs/exercises.rst $(N) --compiler='$(filter-out -Werror,$(flags))'

perform: all ## plays PAGE=... in front of a class, from SCENE=... on; AUTO=1: nobody there; STAGE=host
	@$(venv) -m stage perform '$(or $(PAGE),docs/screenplay.rst)' $(if $(SCENE),--scene '$(SCENE)') $(if $(AUTO),--auto) $(if $(PACE),--pace $(PACE)) $(if $(STAGE),--$(STAGE))
projector: build/venv/.done ## shows the stage of the running performance on this terminal, too
	@$(venv) -m stage attach stage
notes: build/venv/.done ## shows its notes here, and no longer beside the stage
	@$(venv) -m stage attach notes
recording: all ## a film of a performance with nobody there: build/recording.cast
	@$(venv) -m stage perform '$(or $(PAGE),docs/screenplay.rst)' --film build/$@.cast --pace $(or $(PACE),1)
serve: build/venv/.done ## the site on localhost, or for the room: HOST=0.0.0.0; follows every save until Ctrl-C
	@$(venv) -m docs._serve $(port) $(if $(filter command%,$(origin HOST)),'$(HOST)')
soak: all ## plays the screenplay many times, several at once; performs it, too
lighthouse: build/html/.done ## how good Lighthouse finds each page of the site
bench: build/venv/.done ## measures builds and make serve against their limits
soak lighthouse bench:
	@$(measure)/$@.py
machines: ## plays what README.rst says in fresh systems, as root: SUITES="bookworm sid"
	@'$(PYTHON)' tests/measure/machines.py $(SUITES)

machine: ## the Linux that runs in the page, on Debian 12 and 13: build/machine/state.zst
machine-sources: ## the sources of what is in there, for whoever publishes it
machine machine-sources:
	@PYTHON='$(PYTHON)' sh stage/guest/machine.sh $@
check-machine: machine build/venv/.done ## plays all sessions of the pages in it, and runs its tests
	@$(MAKE) html && sh stage/guest/machine.sh check $(pages)

doctor: ## looks for what the course needs, and says how to install it
	@CC='$(CC)' PYTHON='$(PYTHON)' sh stage/doctor.sh
clean-ipc: ## removes the course's IPC objects, no others
	@$(PYTHON) -m stage clean $(pages)
format: ## lays out the C files with clang-format
	clang-format -i $(wildcard code/*/*.[ch])
clean: ## removes build/; your exercises stay
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

-include $(made:$(build)/%=$(build)/.deps/%.d)
