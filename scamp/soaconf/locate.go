package soaconf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const defaultDir = "/etc/scamp"

// A Finder finds and reads the configuration file. The zero Finder uses the environment and the file system of the
// process.
type Finder struct {
	Getenv     func(name string) string
	ReadFile   func(name string) ([]byte, error)
	Interfaces func() ([]Interface, error) // of the host, for address lists
}

// Load reads the configuration of this process: the file at path, or, where path is "", the first of the places at which
// programs look for it (see Finder.Load).
func Load(path string) (*Config, error) { return new(Finder).Load(path) }

// Load reads the file at path, or, where path is "", the first of these (DISC-CFG-02):
//
//	$SCAMP, $SCAMP_CONFIG, $GTSOA/etc/soa.conf    if the variable is set; the file must exist
//	$SCAMP_CONFIG_DIR/scamp.conf                  if it exists
//	/etc/SCAMP/soa.conf, /etc/scamp/scamp.conf    if it exists
//
// Without any of them the configuration is empty. Files are never mixed.
func (f *Finder) Load(path string) (*Config, error) {
	getenv, read := f.Getenv, f.ReadFile
	if getenv == nil {
		getenv = os.Getenv
	}
	if read == nil {
		read = readFile
	}
	c, err := locate(path, getenv, read)
	if err != nil {
		return nil, err
	}
	if dir := getenv("SCAMP_CONFIG_DIR"); dir != "" {
		c.Dir = dir
	}
	c.interfaces = f.Interfaces
	return c, nil
}

// A place is where the file may be.
type place struct {
	path string
	must bool   // it must be there
	by   string // who says so
}

func locate(path string, getenv func(string) string, read func(string) ([]byte, error)) (*Config, error) {
	for _, p := range places(path, getenv) {
		text, err := read(p.path)
		switch {
		case err == nil:
			return Parse(p.path, text)
		case p.must:
			return nil, &Error{Message: "cannot read the configuration that " + p.by + " names: " + err.Error()}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, &Error{Message: "cannot read the configuration: " + err.Error()}
		}
	}
	return Parse("", nil)
}

func places(path string, getenv func(string) string) (found []place) {
	if path != "" {
		return []place{{path, true, "the program"}}
	}
	for _, name := range []string{"SCAMP", "SCAMP_CONFIG"} {
		if v := getenv(name); v != "" {
			return []place{{v, true, "$" + name}}
		}
	}
	if v := getenv("GTSOA"); v != "" {
		return []place{{filepath.Join(v, "etc", "soa.conf"), true, "$GTSOA"}}
	}
	if v := getenv("SCAMP_CONFIG_DIR"); v != "" {
		found = append(found, place{path: filepath.Join(v, "scamp.conf")})
	}
	return append(found, place{path: "/etc/SCAMP/soa.conf"}, place{path: "/etc/scamp/scamp.conf"})
}

// readFile reads a file that is not too large.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return make([]byte, maxFile+1), nil // Parse says what is wrong
	}
	return os.ReadFile(name)
}
