package hosttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Diary struct{ troupe.Ref }

func (Diary) ActorType() string { return "diary" }

var (
	Note    = troupe.NewAction[Diary, string, troupe.None]("note")
	Entries = troupe.NewAction[Diary, troupe.None, []string]("entries")
)

type diaryState struct{ Entries []string }

func (s *diaryState) note(_ *actorhost.Context, entry string) error {
	s.Entries = append(s.Entries, entry)
	return nil
}

func (s *diaryState) entries(*actorhost.Context) ([]string, error) { return s.Entries, nil }

var diaries = actorhost.Define(func() diaryState { return diaryState{} },
	actorhost.On(Note, actorhost.NoOut((*diaryState).note)),
	actorhost.On(Entries, actorhost.NoIn((*diaryState).entries)))

// A test can stop its host as a deployment does, and start the next one.
func ExampleBus_Stop() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestSurvivesADeployment(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t)
		old := b.Host(diaries)
		diary := troupe.GetOrCreate[Diary](b.Client, "anna")
		_, err := Note.Call(t.Context(), diary, "rain")
		require.NoError(t, err)

		b.Stop(old)
		b.Host(diaries)
		entries, err := Entries.Call(t.Context(), diary, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"rain"}, entries)
	})
	// Output: ok
}
