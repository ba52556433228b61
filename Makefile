# A thin front for meson: `make`, `make test`, `make install`.
BUILD ?= build

all: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

test: all
	meson test -C $(BUILD) --print-errorlogs

check:
	./scripts/check

install: all
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all test check install clean
