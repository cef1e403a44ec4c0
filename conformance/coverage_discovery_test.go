package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/docs/spec"
	"github.com/gudtech/scamp-sim/golden"
)

// The groups of discovery that vectors and tests of the library cover, in the order of the specification.
var discoveryCovered = []string{
	"DISC-GEN", "DISC-ENV", "DISC-JSN", "DISC-V4", "DISC-OBJ", "DISC-ACT", "DISC-IDT", "DISC-WGT", "DISC-INT", "DISC-TSP", "DISC-URI", "DISC-ENL",
	"DISC-SIG", "DISC-RPL", "DISC-CCH", "DISC-CMG", "DISC-MC", "DISC-SHD", "DISC-AUT", "DISC-TKT", "DISC-AZ", "DISC-RTE", "DISC-CFG", "DISC-PRV",
	"DISC-TOL",
}

// Tests of rules that no vector can show, or that show more of a rule than its vectors: directory and names.
var tested = map[string]string{
	"DISC-GEN-01a": "scamp/discovery TestEditedRecords TestCacheBadRecords",
	"DISC-GEN-01b": "scamp/discovery TestEditedPackets TestEditedData TestSmallPacketsStaySmall",
	"DISC-GEN-02":  "scamp/discovery TestObserverSightings",
	"DISC-IDT-01a": "scamp/discovery TestNewIdent",
	"DISC-IDT-01b": "scamp/discovery TestNewIdent",
	"DISC-IDT-02b": "scamp TestFailureMarksBelongToIdentities",
	"DISC-WGT-01c": "scamp TestWeightIsNotAShare",
	"DISC-INT-01a": "scamp/discovery TestAnnouncer",
	"DISC-TSP-01a": "scamp/discovery TestAnnouncer TestAnnouncerTimestamps",
	"DISC-URI-01b": "scamp TestDialChecksTheFingerprint TestAddresses",
	"DISC-URI-01c": "scamp TestAddresses",
	"DISC-URI-02a": "scamp TestUnusableURIsAreMarkedAndLeft",
	"DISC-URI-02b": "scamp TestUnusableURIsAreFailedCalls",
	"DISC-SIG-08a": "scamp TestDialChecksTheFingerprint",
	"DISC-SIG-08c": "scamp TestConnectionsBelongToACertificate",
	"DISC-RPL-01c": "scamp/discovery TestHearFlood",
	"DISC-RPL-02a": "scamp/discovery TestHearExpiry",
	"DISC-CCH-04d": "scamp/discovery TestCacheConcurrently TestCacheTrouble",
	"DISC-CCH-06":  "scamp/discovery TestCacheTrouble",
	"DISC-CCH-08c": "scamp/discovery TestCacheWatch",
	"DISC-CCH-09":  "scamp/discovery TestCacheWatch TestCacheOnDisk TestCacheChanges",
	"DISC-CMG-00":  "scamp/discovery TestManagerOnSilentNetwork TestManagerTrouble",
	"DISC-CMG-01a": "scamp/discovery TestManagerWrites",
	"DISC-CMG-01d": "scamp/discovery TestManagerWrites",
	"DISC-CMG-02a": "scamp/discovery TestFileStore TestCacheConcurrently",
	"DISC-CMG-02b": "scamp/discovery TestManagerWrites TestAppendFile",
	"DISC-CMG-02c": "scamp/discovery TestManagerWrites",
	"DISC-CMG-02d": "scamp/discovery TestManagerOnSilentNetwork TestManagerWrites",
	"DISC-CMG-03":  "scamp/discovery TestManagerOnSilentNetwork",
	"DISC-CMG-04a": "scamp/discovery TestManagerStart TestRestartsLoseNobody",
	"DISC-CMG-04b": "scamp/discovery TestManagerStart",
	"DISC-CMG-06":  "scamp/discovery TestRefresh TestObserverSightings",
	"DISC-MC-02b":  "scamp/discovery TestCompress",
	"DISC-MC-04a":  "scamp/discovery TestInflateIsBounded",
	"DISC-MC-05a":  "scamp/discovery TestSendLargest TestCompress",
	"DISC-MC-05b":  "scamp/discovery TestAnnouncerTooLarge TestAnnouncerReports",
	"DISC-MC-05c":  "scamp/discovery TestAnnouncerTooLarge TestAnnouncerLinks",
	"DISC-MC-06a":  "scamp/discovery TestAnnouncerLinks TestTwoNetworks",
	"DISC-MC-06b":  "scamp/discovery TestAnnouncerLinks",
	"DISC-MC-06c":  "scamp/discovery TestTwoNetworks TestGroupErrors",
	"DISC-MC-07a":  "scamp/discovery TestListen",
	"DISC-MC-07b":  "scamp/discovery TestTwoNetworks",
	"DISC-MC-07c":  "scamp/discovery TestListen TestRealNetwork",
	"DISC-MC-08":   "scamp/discovery TestAnnouncer TestRealNetwork",
	"DISC-MC-09a":  "scamp/discovery TestAnnouncer",
	"DISC-MC-09b":  "scamp/discovery TestObserverKeepsAlive",
	"DISC-SHD-01a": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-01b": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-01c": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-01d": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-01e": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-01f": "scamp/discovery TestAnnouncerStops",
	"DISC-SHD-02a": "scamp/discovery TestRealNetwork",
	"DISC-AUT-10a": "scamp/discovery TestAuthorizedFileChanges",
	"DISC-AUT-10c": "scamp TestOpenConnectionsGiveNoRights",
	"DISC-AUT-11b": "scamp/discovery TestAuthorizedFileRecovers",
	"DISC-TKT-01a": "scamp/ticket TestIssue",
	"DISC-TKT-03a": "scamp/ticket TestIssue",
	"DISC-TKT-06a": "scamp/ticket TestIssue",
	"DISC-TKT-09a": "scamp TestTicketsHaveTheirField",
	"DISC-AZ-01b":  "scamp TestFetchTable TestTheSourceOfATable",
	"DISC-AZ-02d":  "scamp/ticket TestNamesOfPrivileges",
	"DISC-AZ-05a":  "scamp/ticket TestATableIsKept",
	"DISC-AZ-05b":  "scamp/ticket TestAFailedFetch",
	"DISC-AZ-05c":  "scamp/ticket TestAFailedFetch",
	"DISC-AZ-06a":  "scamp TestAnnouncedFlagsOpenNothing",
	"DISC-AZ-06b":  "scamp TestNoAuth",
	"DISC-RTE-01a": "scamp TestCallsReachWhoOffersTheAction TestOnlyCandidatesAreCalled",
	"DISC-RTE-01b": "scamp TestCallsReachWhoOffersTheAction",
	"DISC-RTE-01c": "scamp TestCallsReachWhoOffersTheAction",
	"DISC-RTE-02a": "scamp TestCallsReachWhoOffersTheAction",
	"DISC-RTE-02b": "scamp TestCallsReachWhoOffersTheAction TestTheHeaderSaysWhatIsMeant",
	"DISC-RTE-02c": "scamp TestCallsReachWhoOffersTheAction",
	"DISC-RTE-02d": "scamp TestCallsReachWhoOffersTheAction TestTheHeaderSaysWhatIsMeant",
	"DISC-RTE-02e": "scamp TestDescribe",
	"DISC-RTE-03a": "scamp TestTheChoiceIsEven",
	"DISC-RTE-03b": "scamp TestWhenAllHaveFailedAllAreTried",
	"DISC-RTE-03c": "scamp TestOneConnectionPerInstance",
	"DISC-RTE-04a": "scamp TestFailedInstancesAreLeftAlone TestARefusalIsAFailure",
	"DISC-RTE-04b": "scamp TestFailedInstancesAreLeftAlone",
	"DISC-RTE-04c": "scamp TestOneRetryElsewhere",
	"DISC-RTE-04d": "scamp TestNoRetryAfterHandOver TestWhatIsKnownOfAFailedWrite TestErrorsOfOtherCalls",
	"DISC-RTE-05a": "scamp TestTimeOfACall",
	"DISC-RTE-05b": "scamp TestTimeOfACall",
	"DISC-RTE-05c": "scamp TestTimeOfACall",
	"DISC-RTE-06a": "scamp TestPins",
	"DISC-RTE-06b": "scamp TestPins",
	"DISC-RTE-06c": "scamp TestAPinIsNotSentElsewhere TestAPinGrantsNothing",
	"DISC-RTE-07a": "scamp TestNobodyIsFoundAtOnce",
	"DISC-RTE-07b": "scamp TestNobodyIsFoundAtOnce",
	"DISC-RTE-08":  "scamp TestRepliesRedirectNobody",
	"DISC-RTE-09a": "scamp TestCallsReachWhoOffersTheAction TestTheHeaderSaysWhatIsMeant",
	"DISC-RTE-09b": "scamp TestTheHeaderSaysWhatIsMeant",
	"DISC-RTE-10a": "scamp TestRequestsAreAnswered",
	"DISC-RTE-10b": "scamp TestServiceErrors",
	"DISC-CFG-04e": "scamp TestWhatIsAnnouncedIsListenedOn",
	"DISC-CFG-05a": "scamp/soaconf TestTableIsTheSpecifications",
	"DISC-CFG-05b": "scamp TestWhatIsAnnouncedIsListenedOn",
	"DISC-CFG-05f": "scamp TestListenInARange TestWhatIsAnnouncedIsListenedOn",
	"DISC-PRV-01a": "cmd/scamp-sim TestProvision",
	"DISC-PRV-01b": "cmd/scamp-sim TestProvision",
	"DISC-PRV-01c": "cmd/scamp-sim TestProvision",
	"DISC-PRV-01d": "cmd/scamp-sim TestProvision",
	"DISC-PRV-01e": "cmd/scamp-sim TestProvision",
	"DISC-PRV-02a": "scamp/discovery TestNewSignerForms",
	"DISC-PRV-02b": "scamp/discovery TestNewSignerForms",
	"DISC-TOL-01a": "cmd/scamp-sim TestList",
	"DISC-TOL-01b": "cmd/scamp-sim TestList",
	"DISC-TOL-01d": "cmd/scamp-sim TestList",
	"DISC-TOL-01e": "cmd/scamp-sim TestList",
	"DISC-TOL-02a": "cmd/scamp-sim TestWatch",
	"DISC-TOL-02b": "cmd/scamp-sim TestWatch",
}

// Why a MUST has neither vectors nor tests.
var withoutEither = map[string]string{
	"DISC-CMG-07b": "the helper (DISC-CMG-07a) is not offered: the cache manager neither knows the authorised-services file nor the key",
	"DISC-CMG-07c": "the helper (DISC-CMG-07a) is not offered: the cache manager neither knows the authorised-services file nor the key",
	"DISC-AZ-01e":  "for whoever publishes the table: nothing here does",
	"DISC-AZ-02b":  "for whoever publishes the table: nothing here does",
}

// A goldenVector is what coverage needs to know of one.
type goldenVector struct {
	File  string `json:"-"`
	Name  string
	Rules []string
}

func goldenVectors(t *testing.T) (all []goldenVector) {
	t.Helper()
	files, err := fs.Glob(golden.FS, "disc-*/vectors.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors: ", err)
	}
	for _, file := range files {
		text, err := golden.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			v := goldenVector{File: file}
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatal(file, err)
			}
			all = append(all, v)
		}
	}
	return all
}

// citing returns the vectors of a rule, those that are about it first.
func citing(vectors []goldenVector, rule string) (some []goldenVector) {
	for _, v := range vectors {
		if slices.Contains(v.Rules, rule) {
			some = append(some, v)
		}
	}
	slices.SortStableFunc(some, func(a, b goldenVector) int { return slices.Index(a.Rules, rule) - slices.Index(b.Rules, rule) })
	return some
}

// Every MUST of discovery has vectors, tests that there are, or a reason.
func TestCoverageOfDiscovery(t *testing.T) {
	vectors := goldenVectors(t)
	for _, v := range vectors {
		for _, id := range v.Rules {
			if _, ok := spec.Lookup(id); !ok {
				t.Errorf("%s, %s: there is no rule %s", v.File, v.Name, id)
			}
		}
		if group := strings.ToUpper(path.Dir(v.File)); !slices.Contains(discoveryCovered, group) {
			t.Errorf("%s: the group %s is not in the table", v.File, group)
		}
	}
	for _, rule := range spec.Rules() {
		if !slices.Contains(discoveryCovered, rule.Group) {
			continue
		}
		found := len(citing(vectors, rule.ID)) > 0 || tested[rule.ID] != ""
		if reason := withoutEither[rule.ID]; found && reason != "" {
			t.Errorf("%s has vectors or tests, and a reason for having none", rule.ID)
		} else if rule.Level == "MUST" && !found && reason == "" {
			t.Errorf("%s (%s, %s) has no vector, no test and no reason", rule.ID, rule.Role, rule.Title)
		}
	}
	for _, id := range slices.Concat(slices.Collect(maps.Keys(tested)), slices.Collect(maps.Keys(withoutEither))) {
		if rule, ok := spec.Lookup(id); !ok || !slices.Contains(discoveryCovered, rule.Group) {
			t.Errorf("%s is no rule of the table", id)
		}
	}
	comments := map[string]map[string]string{}
	for id, text := range tested {
		dir, list, _ := strings.Cut(text, " ")
		if comments[dir] == nil {
			comments[dir] = testsOf(t, dir)
		}
		for _, name := range strings.Fields(list) {
			if comment, ok := comments[dir][name]; !ok {
				t.Errorf("%s: %s has no %s", id, dir, name)
			} else if !cites(comment, id) {
				t.Errorf("%s: the comment of %s in %s does not cite it", id, name, dir)
			}
		}
	}
}

// testsOf returns the tests in a directory of the module, by name, with the comment before each or behind its head.
func testsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{}
	for _, file := range files {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		line := func(p token.Pos) int { return set.Position(p).Line }
		for _, d := range f.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Recv != nil || !strings.HasPrefix(d.Name.Name, "Test") {
				continue
			}
			comment := d.Doc.Text()
			for _, c := range f.Comments {
				if line(c.Pos()) == line(d.Body.Lbrace) {
					comment += c.Text()
				}
			}
			tests[d.Name.Name] = comment
		}
	}
	return tests
}

// citation is rules as comments cite them: "DISC-CMG-00, 02d, 03", "DISC-AUT-03 to 05".
var citation = regexp.MustCompile(`\b([A-Z]+-[A-Z0-9]+)-(\d\d[a-z]?(?:(?:,| and| to)\s+\d\d[a-z]?\b)*)`)

// cites reports whether a comment cites a rule, with its letter or as one of its number.
func cites(comment, rule string) bool {
	for _, c := range citation.FindAllStringSubmatch(comment, -1) {
		group, numbers := c[1], regexp.MustCompile(`\d\d[a-z]?`).FindAllString(c[2], -1)
		for _, n := range numbers {
			if id := group + "-" + n; id == rule || id == strings.TrimRight(rule, "abcdefghijklmnopqrstuvwxyz") {
				return true
			}
		}
	}
	return false
}

// discoveryCoverage writes the tables of rules, vectors and tests.
func discoveryCoverage(vectors []goldenVector) []byte {
	var b bytes.Buffer
	for _, group := range discoveryCovered {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | level | role | vectors | tests, or why there is neither |\n|---|---|---|---|---|\n", group)
		for _, rule := range spec.Rules() {
			if rule.Group != group {
				continue
			}
			fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s | %s |\n", rule.ID, rule.Title, rule.Level, rule.Role, vectorCell(citing(vectors, rule.ID)), testCell(rule.ID))
		}
	}
	return b.Bytes()
}

// namedVectors is how many vectors of a file are named.
const namedVectors = 3

// vectorCell has a line for each file: how many vectors of it cite the rule, and the first of them.
func vectorCell(vectors []goldenVector) string {
	var files []string
	of := map[string][]string{}
	for _, v := range vectors {
		if of[v.File] == nil {
			files = append(files, v.File)
		}
		of[v.File] = append(of[v.File], v.Name)
	}
	var cells []string
	for _, file := range files {
		names, more := of[file], ""
		if len(names) > namedVectors {
			names, more = names[:namedVectors], ", …"
		}
		cells = append(cells, fmt.Sprintf("%d in [%s](../golden/%s): %s%s", len(of[file]), path.Dir(file), file, strings.Join(names, ", "), more))
	}
	return strings.Join(cells, "<br>")
}

func testCell(rule string) string {
	dir, list, ok := strings.Cut(tested[rule], " ")
	if !ok {
		return withoutEither[rule]
	}
	return "`" + dir + "` " + strings.Join(strings.Fields(list), ", ")
}
