package room_test

import (
	"testing"

	"example.com/other"
	"example.com/room"
)

func help() { room.Helper() }

func TestLost(t *testing.T) { room.NewDoor().Lose() }

func Example() {
	help()
	d := room.NewDoor()
	d.Open()
	_ = room.ErrShown
	_ = other.Lost{}
	_ = room.Red
}

func ExampleDoor_Shut() {}
