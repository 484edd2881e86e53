package troupe_test

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
)

// An ID is the name of an actor: for people, and as the tokens of NATS subjects.
func ExampleID() {
	id, err := troupe.NewID("chatRoom", "org 1", "lobby")
	fmt.Println(id, err)
	fmt.Printf("%s %q\n", id.Type(), id.Key())
	fmt.Println(id.Tokens())

	same, err := troupe.ParseID("chatRoom.org=201.lobby")
	fmt.Println(same == id, err)
	_, err = troupe.NewID("chat room")
	fmt.Println(errors.Is(err, troupe.ErrBadInput), err)
	// Output:
	// chatRoom/org=201/lobby <nil>
	// chatRoom ["org 1" "lobby"]
	// chatRoom.org=201.lobby
	// true <nil>
	// true bad_input: "chat room" is no name for the actor type: a letter, then letters, digits, '_' and '-'
}
