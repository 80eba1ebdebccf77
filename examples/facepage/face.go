package facepage

import "crypto/sha256"

// A Face is what Facepage is about. It is drawn from the account ID, so nobody
// has to keep it.
type Face struct {
	Account string `json:"account"`
	Hue     int    `json:"hue"`   // of the skin, in degrees
	Shirt   int    `json:"shirt"` // hue, in degrees
	Eyes    int    `json:"eyes"`  // between them, in units of the drawing
	Look    int    `json:"look"`  // of the pupils, to the side
	Smile   int    `json:"smile"` // how far the mouth bends
	Brow    int    `json:"brow"`  // how the brows slant
	Hair    int    `json:"hair"`  // how high it stands
	Glasses bool   `json:"glasses"`
}

// faceOf draws the face of an account.
func faceOf(account string) Face {
	sum := sha256.Sum256([]byte("facepage/face\x00" + account))
	pick := func(i, from, to int) int { return from + int(sum[i])%(to-from+1) }
	return Face{
		Account: account, Hue: pick(0, 0, 359), Shirt: pick(1, 0, 359), Eyes: pick(2, 15, 24), Look: pick(3, -3, 3),
		Smile: pick(4, 4, 18), Brow: pick(5, -4, 4), Hair: pick(6, 4, 26), Glasses: sum[7]%3 == 0,
	}
}

// The corners of the drawing, which is 120 units wide and high.

// Left is where the left eye is.
func (f Face) Left() int { return 60 - f.Eyes }

// Right is where the right eye is.
func (f Face) Right() int { return 60 + f.Eyes }

// Mouth is how low the mouth bends.
func (f Face) Mouth() int { return 82 + f.Smile }

// Crown is how high the hair stands.
func (f Face) Crown() int { return 28 - f.Hair }

// LeftBrow is where the left brow ends.
func (f Face) LeftBrow() int { return 43 + f.Brow }

// RightBrow is where the right brow begins.
func (f Face) RightBrow() int { return 43 - f.Brow }

// LeftLook is where the left pupil is.
func (f Face) LeftLook() int { return f.Left() + f.Look }

// RightLook is where the right pupil is.
func (f Face) RightLook() int { return f.Right() + f.Look }
