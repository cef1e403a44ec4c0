package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

const deployDir = "../../deploy/"

func deployed(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(deployDir + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// accepted fails unless the program takes a command line: the command, its flags and its operands.
func accepted(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRoot().Find(args)
	if err == nil && cmd.HasSubCommands() {
		err = fmt.Errorf("%s is not a command that does something", cmd.CommandPath())
	}
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: scamp-sim %s: %v", where, strings.Join(args, " "), err)
	}
}

var commandLine = regexp.MustCompile(`(?m)(?:^|[ \x60])scamp-sim ((?:run|results|serve|request) .*)$`)

// TestDeployCommands: every command line of the directory is one that the program takes.
func TestDeployCommands(t *testing.T) {
	names, err := filepath.Glob(deployDir + "*")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	lines := 0
	for _, name := range names {
		for _, m := range commandLine.FindAllStringSubmatch(string(deployed(t, filepath.Base(name))), -1) {
			line, _, _ := strings.Cut(m[1], "`")
			var words []string
			for _, w := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
				words = append(words, strings.Trim(w, `"`))
			}
			accepted(t, name, words)
			lines++
		}
	}
	if lines < 5 {
		t.Errorf("%d command lines were found", lines)
	}
}

// A manifest is what matters here of a Kubernetes object.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Data       map[string]string
	Spec       struct {
		CompletionMode       string `yaml:"completionMode"`
		Completions          int
		Parallelism          int
		BackoffLimitPerIndex int `yaml:"backoffLimitPerIndex"`
		PodFailurePolicy     struct {
			Rules []struct {
				Action      string
				OnExitCodes struct {
					ContainerName string `yaml:"containerName"`
					Values        []int
				} `yaml:"onExitCodes"`
			}
		} `yaml:"podFailurePolicy"`
		Template struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []container
				Volumes       []struct {
					Name                  string
					ConfigMap             struct{ Name string } `yaml:"configMap"`
					PersistentVolumeClaim struct {
						ClaimName string `yaml:"claimName"`
					} `yaml:"persistentVolumeClaim"`
				}
			}
		}
	}
}

type container struct {
	Name  string
	Image string
	Args  []string
	Env   []struct{ Name, Value string }

	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

func manifests(t *testing.T, name string) map[string]*manifest {
	t.Helper()
	all := map[string]*manifest{}
	for d := yaml.NewDecoder(bytes.NewReader(deployed(t, name))); ; {
		m := new(manifest)
		if err := d.Decode(m); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(name, err)
		}
		all[m.Kind] = m
	}
}

// TestDeployKubernetes plays the Jobs on this machine, with fewer seeds.
func TestDeployKubernetes(t *testing.T) {
	all := manifests(t, "kubernetes.yaml")
	job, config, claim := all["Job"], all["ConfigMap"], all["PersistentVolumeClaim"]
	merge := manifests(t, "kubernetes-merge.yaml")["Job"]
	if job == nil || config == nil || claim == nil || merge == nil {
		t.Fatal("an object is missing")
	}
	if job.APIVersion != "batch/v1" || job.Spec.CompletionMode != "Indexed" || job.Spec.Completions < 2 || job.Spec.Parallelism < 2 || job.Spec.BackoffLimitPerIndex < 1 {
		t.Errorf("%+v", job.Spec)
	}
	if p := job.Spec.Template.Spec.RestartPolicy; p != "Never" { // podFailurePolicy asks for it
		t.Errorf("restartPolicy is %s", p)
	}
	actions := map[string][]int{}
	c := &job.Spec.Template.Spec.Containers[0]
	for _, r := range job.Spec.PodFailurePolicy.Rules {
		actions[r.Action] = r.OnExitCodes.Values
		if r.Action != "Ignore" && r.OnExitCodes.ContainerName != c.Name {
			t.Errorf("%s is about a container %q", r.Action, r.OnExitCodes.ContainerName)
		}
	}
	if !slices.Equal(actions["FailIndex"], []int{1}) || !slices.Equal(actions["FailJob"], []int{2}) {
		t.Errorf("exit statuses lead to %v", actions)
	}
	kubernetes := schedulers[0]
	if len(c.Env) != 1 || c.Env[0].Name != kubernetes.count || c.Env[0].Value != fmt.Sprint(job.Spec.Completions) {
		t.Errorf("the environment is %v, with %d completions", c.Env, job.Spec.Completions)
	}
	dir := t.TempDir()
	for name, text := range config.Data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := scenario.Parse(name, []byte(text)); err != nil {
			t.Error(err)
		}
	}
	t.Setenv(kubernetes.count, c.Env[0].Value)
	for i := range job.Spec.Completions {
		t.Setenv(kubernetes.index, fmt.Sprint(i))
		inContainer(t, job, config, claim, dir, strings.NewReplacer("$("+kubernetes.index+")", fmt.Sprint(i), "1-10000", "1-18"))
	}
	if o := inContainer(t, merge, config, claim, dir, strings.NewReplacer()); !strings.Contains(o.stderr, "18 seeds passed, 0 failed") {
		t.Errorf("merged: %s", o.stderr)
	}
	for _, name := range []string{"report.json", "report.xml"} {
		if size(filepath.Join(dir, name)) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// inContainer runs the container of a Job, with all that is mounted in one directory.
func inContainer(t *testing.T, job, config, claim *manifest, dir string, r *strings.Replacer) outcome {
	t.Helper()
	pod := job.Spec.Template.Spec
	for _, v := range pod.Volumes {
		if v.ConfigMap.Name != "" && v.ConfigMap.Name != config.Metadata.Name || v.PersistentVolumeClaim.ClaimName != "" && v.PersistentVolumeClaim.ClaimName != claim.Metadata.Name {
			t.Errorf("there is no volume %+v", v)
		}
	}
	c := pod.Containers[0]
	accepted(t, job.Metadata.Name, c.Args)
	var args []string
	for _, a := range c.Args {
		a = r.Replace(a)
		for _, m := range c.VolumeMounts {
			if rest, ok := strings.CutPrefix(a, m.MountPath); ok {
				a = dir + rest
			}
		}
		args = append(args, a)
	}
	o := scampSim(t, "", args...)
	if o.code != 0 {
		t.Errorf("%s exits with %d: %s", strings.Join(args, " "), o.code, o.stderr)
	}
	return o
}

// A workflow is what matters here of one of GitHub Actions.
type workflow struct {
	Env  map[string]string
	Jobs map[string]struct {
		Needs    string
		If       string
		Strategy struct {
			FailFast *bool `yaml:"fail-fast"`
			Matrix   struct{ Shard []int }
		}
		Steps []struct {
			Uses, Run string
			With      map[string]any
		}
	}
}

// TestDeployGitHub plays the workflow on this machine, with fewer seeds.
func TestDeployGitHub(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	var w workflow
	if err := yaml.Unmarshal(deployed(t, "github-actions.yaml"), &w); err != nil {
		t.Fatal(err)
	}
	part, merge := w.Jobs["part"], w.Jobs["merge"]
	shards := part.Strategy.Matrix.Shard
	if part.Strategy.FailFast == nil || *part.Strategy.FailFast || merge.Needs != "part" || merge.If != "always()" {
		t.Error("a part that fails keeps others from the report")
	}
	for i, k := range shards {
		if k != i+1 {
			t.Errorf("the matrix is %v", shards)
		}
	}
	artifacts := t.TempDir() // all of them, as they are merged
	file := scenarioFile(t, shopScenario)
	play := func(run, dir string, shard int) {
		if strings.HasPrefix(run, "go install ") {
			return
		}
		run = strings.NewReplacer("${{ matrix.shard }}", fmt.Sprint(shard), "${{ strategy.job-total }}", fmt.Sprint(len(shards))).Replace(run)
		if strings.Contains(run, "${{") {
			t.Fatalf("what is %s?", run)
		}
		cmd := exec.Command(bash, "-e", "-c", run)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"), "SCENARIO="+file, "SEEDS=1-18")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", run, err, out)
		}
	}
	for _, k := range shards {
		dir := t.TempDir()
		for _, s := range part.Steps {
			if s.Run != "" {
				play(s.Run, dir, k)
			}
		}
		left, err := filepath.Glob(dir + "/results/*")
		if err != nil || len(left) != 1 || os.Rename(left[0], filepath.Join(artifacts, filepath.Base(left[0]))) != nil {
			t.Fatalf("shard %d leaves %v", k, left)
		}
	}
	dir := t.TempDir()
	if err := os.Rename(artifacts, filepath.Join(dir, "results")); err != nil {
		t.Fatal(err)
	}
	for _, s := range merge.Steps {
		if s.Run != "" {
			play(s.Run, dir, 0)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "report.json")); err != nil || !strings.Contains(string(text), `"seeds": 18,`) {
		t.Errorf("%v: %s", err, text)
	}
}

// TestDeployContainer: the command that builds the program in the container builds one that needs nothing around it.
func TestDeployContainer(t *testing.T) {
	text := string(deployed(t, "Containerfile"))
	build := regexp.MustCompile(`(?m)^RUN (go build .*) -o /scamp-sim (\S+)$`).FindStringSubmatch(text)
	env := regexp.MustCompile(`(?m)^ENV (CGO_ENABLED=0 .*)$`).FindStringSubmatch(text)
	version := regexp.MustCompile(`(?m)^ARG GO=(\S+)$`).FindStringSubmatch(text)
	mod, err := os.ReadFile("../../go.mod")
	if err != nil || build == nil || env == nil || version == nil {
		t.Fatalf("%v, %q, %q, %q", err, build, env, version)
	}
	if !strings.Contains(string(mod), "\ngo "+version[1]) {
		t.Errorf("it builds with Go %s, which is not that of go.mod", version[1])
	}
	for _, line := range []string{"FROM scratch\n", "USER 65532:65532\n", "ENTRYPOINT [\"/scamp-sim\"]\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("it has no %s", line)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("not on Linux, or there is no bash")
	}
	out := filepath.Join(t.TempDir(), "scamp-sim")
	cmd := exec.Command(bash, "-c", build[1]+" -o "+out+" "+build[2])
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), strings.Fields(env[1])...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 || slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("it is not static: %v, %v", libraries, err)
	}
	if text, err := exec.Command(out, "run", "../../golden/sim/slow-instance.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}
